"""The apps: for each framework one with the four views, as its documentation would write it.

Each module has ``make(url)``, which returns an ASGI app for the database at a URL. The pool is
opened and closed by the app's lifespan.
"""
