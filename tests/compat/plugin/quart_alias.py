"""Where `surface.py --of quart` looks for Quart's modules and names: in the facade for Quart."""


def targets(name):
    return [name.replace("quart", "asyncflask.quart", 1)]


def rename(module, name):
    return name
