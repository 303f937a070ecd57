"""Autobahn's websocket test suite against the embedded server; not part of ``make test``."""
