"""Short ways for what a library does, each in a file of its own: ``fast(x) -> result or None``.

``None`` means that the library has to be called; a result is what the library would return.
(``json_encoder`` and ``signing`` ask it themselves.) Each file has a property test in
``tests/_fast/`` that holds the two against each other.
"""
