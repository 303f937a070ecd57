"""HTTP/1.1 and WebSocket as bytes in and events out: no sockets, no loop, no clock.

``limits.py`` is what a connection may cost, ``events.py`` what comes out of it, ``http1.py`` and
``websocket.py`` the two protocols, ``cycle.py`` the legal orders of ASGI messages. Nothing here
imports asyncio or Werkzeug; whoever drives it passes the time in.
"""
