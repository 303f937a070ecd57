"""The configuration of an app, and the environment variables that it and the command line read."""

from __future__ import annotations

from .checks import check_settings as check_settings
from .checks import find_wrong as find_wrong
from .config import DEFAULT_CONFIG as DEFAULT_CONFIG
from .config import Config as Config
from .config import ConfigAttribute as ConfigAttribute
