"""Flashed messages: said in one request, shown in the next.

They travel in the session under ``_flashes``, as in Flask. The public functions without ``ctx``,
and the signal ``message_flashed``, are in :mod:`asyncflask.helpers`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, MutableMapping
from typing import Any, Protocol


class FlashContext(Protocol):
    """What flashing asks of a context that carries a request."""

    flashes: list[tuple[str, str]] | None

    @property
    def session(self) -> MutableMapping[str, Any]: ...


def flash(ctx: FlashContext, message: str, category: str = "message") -> None:
    """Keep a message for the next request that asks for messages.

    Args:
        ctx: The context whose session keeps it.
        message: The text (or :class:`~markupsafe.Markup`).
        category: ``"message"``, ``"error"``, ``"info"``, ``"warning"``, or any other word.

    Raises:
        RuntimeError: The app has no secret key.

    Source: ``Flask: flash``.
    """
    session = ctx.session
    flashes = session.get("_flashes", [])
    flashes.append((category, message))
    # Set again: no session notices what is appended to a list inside it.
    session["_flashes"] = flashes


def get_flashed_messages(
    ctx: FlashContext, with_categories: bool = False, category_filter: Iterable[str] = ()
) -> list[str] | list[tuple[str, str]]:
    """Take the messages out of the session; asked again in this request, they are still there.

    Args:
        ctx: The context.
        with_categories: Return ``(category, message)`` instead of messages.
        category_filter: Return those of these categories only; empty: all.

    Source: ``Flask: get_flashed_messages``.
    """
    flashes = ctx.flashes
    if flashes is None:
        session = ctx.session
        flashes = session.pop("_flashes") if "_flashes" in session else []
        ctx.flashes = flashes
    wanted = category_filter if isinstance(category_filter, Collection) else set(category_filter)
    if wanted:
        flashes = [pair for pair in flashes if pair[0] in wanted]
    if with_categories:
        return flashes
    return [message for _, message in flashes]
