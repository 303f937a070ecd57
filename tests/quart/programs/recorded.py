"""What programs record of responses and errors: plain values that JSON can hold."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import Any


async def shown(response: Any) -> dict[str, Any]:
    """Return all that a client reads of a response."""
    body = await response.get_data()
    return {
        "status": response.status_code,
        "headers": sorted([name.lower(), _stable(name, value)] for name, value in response.headers),
        "body": body.decode("utf-8", "backslashreplace"),
    }


async def body(response: Any) -> list[Any]:
    """Return the status and the text, where the headers do not matter."""
    return [response.status_code, await response.get_data(as_text=True)]


async def error_of(awaitable: Awaitable[Any]) -> str:
    """Return the name of the error's class that something awaited raises."""
    try:
        await awaitable
    except RuntimeError:
        return "RuntimeError"  # or a subclass of it
    except Exception as error:
        return type(error).__name__
    return "none"


def _stable(name: str, value: str) -> str:
    """Return a header without what is another in each run: order, signatures with the time."""
    if name.lower() == "allow":
        return ", ".join(sorted(value.split(", ")))
    return re.sub(r"^session=[^;]+", "session=...", value)
