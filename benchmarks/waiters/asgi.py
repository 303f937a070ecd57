"""The app behind the embedded server; an environment variable says which."""

from __future__ import annotations

import os

from ..servers.apps import VARIABLE
from .apps import KINDS

app = KINDS[os.environ[VARIABLE]].make()
