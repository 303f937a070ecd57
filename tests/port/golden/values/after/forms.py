from asyncflask import *

__all__ = ["field", "order"]


async def field(name):
    return (await request.form).get(name, "")


def order(name):
    return -len(request.form[name])
