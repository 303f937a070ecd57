"""The embedded server: asyncio transports around ``protocol/``. It serves any ASGI app.

``serve.py`` starts and stops the server. ``http_protocol.py`` handles one connection (at the pace
of ``flow_control.py``), ``http_stream.py`` and ``websocket_stream.py`` one request each, and
``lifespan.py`` the app's startup and shutdown.
"""

from .config import Config as Config
from .listen import listen as listen
from .serve import run as run
from .serve import serve as serve
