"""The module that a server loads: it has the app that the environment names."""

from __future__ import annotations

import logging
import os

from .apps import VARIABLE, make

# `asyncflask run` has no option for that, and none of the other servers writes a log here.
logging.getLogger("asyncflask.access").setLevel(logging.WARNING)

app = make(os.environ[VARIABLE])
