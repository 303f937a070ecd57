"""HTTP/1.1 and WebSocket as bytes in and events out: no sockets, no loop, no clock.

``http1.py`` and ``websocket.py`` are the two protocols, ``events.py`` what they return,
``limits.py`` what a client may use; ``asgi_state.py`` has the states of an ASGI connection.
Nothing here imports asyncio or Werkzeug; the caller passes the time in.
"""
