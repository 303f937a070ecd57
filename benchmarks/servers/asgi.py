"""The module that a server loads: it has the app that the environment names."""

from __future__ import annotations

import os

from .apps import VARIABLE, make

app = make(os.environ[VARIABLE])
