"""The configuration of channels: its defaults, which values it may have, and its engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..config import check_settings
from ..config.checks import Check, number
from .engine import Engine, EngineOptions, engine_class
from .message import Message

#: The most messages, and seconds: the engines' servers keep both as whole numbers of 64 bits.
MOST = 10**9

#: The configuration and its defaults.
DEFAULTS: dict[str, Any] = {
    "CHANNELS_URL": "memory://",
    "CHANNELS_PREFIX": "asyncflask",
    "CHANNELS_HISTORY": 100,
    "CHANNELS_TTL": 60,
    "CHANNELS_TIMEOUT": 5,
    "CHANNELS_MAILBOX": 100,
    "CHANNELS_MAILBOX_BYTES": 1024 * 1024,
    "CHANNELS_PRESENCE": 15,
    "CHANNELS_HEARTBEAT": 5,
}

#: Which values they may have.
CHECKS: dict[str, Check] = {
    "CHANNELS_URL": lambda value: (
        None if isinstance(value, str) else "Write the URL of an engine, such as 'memory://'"
    ),
    "CHANNELS_PREFIX": lambda value: (
        None if isinstance(value, str) else "Write letters, digits and underscores"
    ),
    "CHANNELS_HISTORY": number(0, MOST, whole=True, example="100 (messages)"),
    "CHANNELS_TTL": number(0, MOST, example="60 (seconds)"),
    "CHANNELS_TIMEOUT": number(0.001, none="None: no limit", example="5 (seconds)"),
    "CHANNELS_MAILBOX": number(1, example="100 (messages)"),
    "CHANNELS_MAILBOX_BYTES": number(1, example="1048576 (bytes)"),
    "CHANNELS_PRESENCE": number(0.001, MOST, example="15 (seconds)"),
    "CHANNELS_HEARTBEAT": number(0.001, example="5 (seconds)"),
}


def engine_maker(config: Mapping[str, Any]) -> Callable[[Callable[[Message], None]], Engine]:
    """Return what makes the engines of a configuration.

    Args:
        config: The app's.

    Returns:
        A function that takes what gets each message, and returns an engine.

    Raises:
        ValueError: A setting has a wrong value.
        ModuleNotFoundError: The engine's client library is not installed.
    """
    check_settings(config, CHECKS)
    options = EngineOptions(
        prefix=config["CHANNELS_PREFIX"],
        history=config["CHANNELS_HISTORY"],
        ttl=config["CHANNELS_TTL"],
        presence=config["CHANNELS_PRESENCE"],
        heartbeat=config["CHANNELS_HEARTBEAT"],
        timeout=config["CHANNELS_TIMEOUT"],
    )
    url = config["CHANNELS_URL"]
    return engine_class(url).maker(url, options)
