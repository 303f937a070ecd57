"""Which values a setting may have, so that a wrong one is named before it fails in each request.

A variable such as ``FLASK_MAX_CONTENT_LENGTH=16M`` is text, because it is not JSON; so most wrong
values are text where a number, ``true`` or a list is meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from math import inf
from typing import Any

from .environment import NEGATIVE

#: Text that is meant to be false.
_FALSE = {*NEGATIVE, "off", "none"}
#: Returns what is to be written instead of a wrong value; ``None`` for a right one.
Check = Callable[[object], str | None]


def number(
    least: float,
    most: float = inf,
    *,
    whole: bool = False,
    none: str = "",
    example: str,
    lifetime: bool = False,
) -> Check:
    """Return the check of a setting that is a number.

    Args:
        least: The least value, in the setting's unit.
        most: The greatest value.
        whole: Whether it has no fraction.
        none: What ``None`` means; empty if it is not allowed.
        example: A number and its unit, for the message.
        lifetime: Whether a ``timedelta`` is allowed as well.
    """
    types = int if whole else (int, float)
    kinds = f"a{' whole' * whole} number{' or a timedelta' * lifetime}"
    end = "on" if most == inf else f"to {most:,}"
    remedy = f"Write {kinds} from {least:g} {end}, such as {example}" + (none and f"; {none}")

    def check(value: object) -> str | None:
        if (value is None and none) or (lifetime and isinstance(value, timedelta)):
            return None
        if isinstance(value, types) and not isinstance(value, bool) and least <= value <= most:
            return None
        return remedy

    return check


def _flag(value: object) -> str | None:
    if isinstance(value, str) and value.lower() in _FALSE:  # `if "False":` is true.
        return "Text counts as true, whatever it says. Write a bool; in a variable true or false"
    return None


def _former_keys(value: object) -> str | None:
    # SECURITY: each character of a text would be a key, and a key of one character is guessed.
    if value is None or isinstance(value, (list, tuple, set, frozenset)):
        return None
    return "Write a list of keys; in a variable '[\"the former key\"]'"


def _secret_key(value: object) -> str | None:
    if value is None or isinstance(value, (str, bytes)):
        return None
    return "Write text or bytes"


def _hosts(value: object) -> str | None:
    hosts = [value] if isinstance(value, str) else value
    if hosts is None or (
        isinstance(hosts, (list, tuple, set, frozenset))
        and all(isinstance(host, str) and "/" not in host for host in hosts)
    ):
        return None
    return "Write a list of hosts; in a variable '[\"shop.example\"]'"


def _cookie_name(value: object) -> str | None:
    if isinstance(value, str) and re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", value, re.ASCII):
        return None
    return "Write a cookie's name, such as 'session': letters, digits, hyphens and underscores"


def _server_name(value: object) -> str | None:
    # SERVER_NAME: a URL would be built as `http://https://…`.
    if value is None or (isinstance(value, str) and re.fullmatch(r"[^/:]*(:\d+)?|\[.*", value)):
        return None
    return "Write a host, with a port if it has one, such as 'shop.example'; no scheme and no path"


def _same_site(value: object) -> str | None:
    if value is None or (isinstance(value, str) and value.title() in {"Lax", "Strict", "None"}):
        return None
    return "Write 'Lax', 'Strict', 'None', or None for no attribute"


def _url_scheme(value: object) -> str | None:
    if isinstance(value, str) and value and ":" not in value and "/" not in value:
        return None
    return "Write 'http' or 'https'"


_NO_LIMIT = "None: no limit"
_BYTES = number(0, none=_NO_LIMIT, example="16777216 (bytes)")
_COUNT = number(0, none=_NO_LIMIT, example="1000")
_TIME = number(0, none=_NO_LIMIT, example="30 (seconds)")

#: The check of each setting; others may have any value.
CHECKS: Mapping[str, Check] = {
    "SECRET_KEY": _secret_key,
    "SECRET_KEY_FALLBACKS": _former_keys,
    "PERMANENT_SESSION_LIFETIME": number(0, example="86400 (seconds)", lifetime=True),
    "SEND_FILE_MAX_AGE_DEFAULT": number(
        0, none="None: the browser asks each time", example="3600 (seconds)", lifetime=True
    ),
    "TRUSTED_HOSTS": _hosts,
    "SERVER_NAME": _server_name,
    "PREFERRED_URL_SCHEME": _url_scheme,
    "SESSION_COOKIE_NAME": _cookie_name,
    "SESSION_COOKIE_SAMESITE": _same_site,
    "MAX_CONTENT_LENGTH": _BYTES,
    "MAX_FORM_MEMORY_SIZE": _BYTES,
    "MAX_FORM_PARTS": _COUNT,
    "MAX_COOKIE_SIZE": number(0, none="None: no warning", example="4093 (bytes)"),
    "BODY_TIMEOUT": _TIME,
    "BODY_IDLE_TIMEOUT": _TIME,
    "WEBSOCKET_IDLE_TIMEOUT": _TIME,
    "BACKGROUND_TASK_SHUTDOWN_TIMEOUT": _TIME,
    "WORKER_POOL_SIZE": number(1, example="40 (requests)"),
    "WORKER_THREADS": number(1, none="None: WORKER_POOL_SIZE", example="1000 (threads)"),
    "WORKER_QUEUE_SIZE": _COUNT,
    "WORKER_QUEUE_TIMEOUT": _TIME,
    **dict.fromkeys(
        (
            *("DEBUG", "TESTING", "PROPAGATE_EXCEPTIONS", "USE_X_SENDFILE"),
            *("SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SECURE", "SESSION_COOKIE_PARTITIONED"),
            *("SESSION_REFRESH_EACH_REQUEST", "TRAP_BAD_REQUEST_ERRORS", "TRAP_HTTP_EXCEPTIONS"),
            *("EXPLAIN_TEMPLATE_LOADING", "TEMPLATES_AUTO_RELOAD", "PROVIDE_AUTOMATIC_OPTIONS"),
            *("WEBSOCKET_CANCEL_ON_DISCONNECT", "WORKER_AFFINITY"),
        ),
        _flag,
    ),
}

#: Settings whose value is not shown.
_SECRET = {"SECRET_KEY", "SECRET_KEY_FALLBACKS"}


def find_wrong(config: Mapping[str, Any], checks: Mapping[str, Check] = CHECKS) -> Iterator[str]:
    """Describe each setting that has a wrong value, in a sentence or two.

    Args:
        config: The configuration.
        checks: The checks, by the settings' names.
    """
    for key, check in checks.items():
        if key in config and (remedy := check(config[key])) is not None:
            value = config[key]
            shown = f"of type {type(value).__name__!r}" if key in _SECRET else f"{value!r:.100}"
            yield f"config[{key!r}] is {shown}. {remedy}."


def check_settings(config: Mapping[str, Any], checks: Mapping[str, Check] = CHECKS) -> None:
    """Refuse a configuration with wrong values.

    Args:
        config: The configuration.
        checks: The checks, by the settings' names.

    Raises:
        ValueError: A setting has a wrong value; the message names all of them.
    """
    if wrong := list(find_wrong(config, checks)):
        raise ValueError(" ".join(wrong))
