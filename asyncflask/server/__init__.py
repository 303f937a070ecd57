"""The embedded server: asyncio transports around ``protocol/``. An app is any ASGI callable here.

``serve.py`` is what starts and stops, ``transport.py`` one connection, ``streams.py`` and
``websockets.py`` one request each, ``lifespan.py`` the app's beginning and end.
"""

from .config import Config as Config
from .listen import listen as listen
from .serve import run as run
from .serve import serve as serve
