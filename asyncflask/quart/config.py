"""Configuration."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from werkzeug.datastructures import ImmutableDict

from ..config import DEFAULT_CONFIG as _DEFAULTS
from ..config import Config as _Config
from ..config import ConfigAttribute as ConfigAttribute

DEFAULT_CONFIG = ImmutableDict(
    {
        **_DEFAULTS,
        # Read by nothing, as in Quart 0.22.
        "ENV": None,
        "PRESERVE_CONTEXT_ON_EXCEPTION": None,
        "BODY_TIMEOUT": 60,
        "BODY_IDLE_TIMEOUT": None,
        "MAX_CONTENT_LENGTH": 16 * 1024 * 1024,
        "PREFER_SECURE_URLS": False,
        "RESPONSE_TIMEOUT": 60,
        "SEND_FILE_MAX_AGE_DEFAULT": timedelta(hours=12),
    }
)


class Config(_Config):
    """The configuration: the async API's, whose environment variables begin with ``QUART_``.

    Args:
        root_path: Folder that names of files are relative to.
        defaults: The first values.

    Source: ``Quart: config.Config``.
    """

    def from_prefixed_env(
        self, prefix: str = "QUART", *, loads: Callable[[str], Any] = json.loads
    ) -> bool:
        """Set keys from the environment variables that begin with a prefix.

        Args:
            prefix: The prefix, without its underscore.
            loads: Reads a value; what it refuses stays text.

        Returns:
            ``True``.
        """
        return super().from_prefixed_env(prefix, loads=loads)
