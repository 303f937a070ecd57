"""HTTP/1.1 and WebSocket as bytes in and events out: no sockets, no loop, no clock.

``http1.py`` and ``websocket.py`` are the two protocols, ``events.py`` has the events that they
return, ``limits.py`` the limits of a client, and ``asgi_state.py`` the states of an ASGI
connection. Nothing here imports asyncio or Werkzeug; the caller passes the time in.
"""
