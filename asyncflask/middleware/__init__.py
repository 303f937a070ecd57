"""ASGI middleware, by the names of Werkzeug's WSGI middleware (``werkzeug.middleware``)."""
