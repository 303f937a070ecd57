"""The module that a server loads: it has the app that the environment names."""

from __future__ import annotations

import importlib
import logging
import os

from ...servers.apps import VARIABLE

# None of the servers writes an access log here.
logging.getLogger("asyncflask.access").setLevel(logging.WARNING)

_peer, _url = os.environ[VARIABLE].split()
app = importlib.import_module(f"benchmarks.database.apps.{_peer}_app").make(_url)
