"""The session of a context, opened when it is used, and what else the response has to carry."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, cast

from ..sessions import SessionMixin, SessionNotOpen, at_once, opens_early
from .matching import ContextMatching


class ContextSession(ContextMatching):
    """The part of a context that knows what the response has to carry."""

    #: whether more than making a response follows the view: the session was opened, there are
    #: ``after_functions``, an `await` was forgotten, or a stream holds the context
    needs_response: bool
    opened_session: SessionMixin | None = None
    after_functions: list[Callable[..., Any]] | None = None
    #: error messages of what was called without `await` (see `never_awaited.py`)
    forgotten: tuple[str, ...] = ()
    flashes: list[tuple[str, str]] | None = None

    @property
    def session(self) -> Any:
        """The session, opened at the first access, which is recorded (``Vary: Cookie``)."""
        request_context = self.request_context
        if request_context is None:
            return None
        session = request_context.open_session()
        session.accessed = True
        return session

    @session.setter
    def session(self, value: object) -> None:
        request_context = self.request_context or self
        request_context.needs_response = True
        request_context.set_attribute("opened_session", value)

    @session.deleter
    def session(self) -> None:
        (self.request_context or self).restore_attribute("opened_session")

    def open_session(self) -> SessionMixin:
        """Return the session of this connection, opened at the first call, without touching it."""
        session = self.opened_session
        if session is None:
            interface = self.app.session_interface
            if self.url_rule is None and self._is_matching() and opens_early(interface):
                raise SessionNotOpen(
                    f"The session of {interface!r} was used while the URL was matched, before it"
                    " was open. The URL is matched again when it is, unless full_dispatch_request()"
                    " was replaced: call the original there."
                )
            session = interface.open_session(self.app, self.request_or_websocket)
            # Most sessions are dictionaries, which are no awaitables.
            if not isinstance(session, dict) and inspect.isawaitable(session):
                session = _opened_at_once(interface, session)
            session = self.keep_session(session)
        return session

    def _is_matching(self) -> bool:
        """Tell whether a converter runs, in a context that is served: its session opens later."""
        return self.matched and self.routing_exception is None and self.pushes is None

    async def _open_session_async(self) -> None:
        """Open a session that may have to be awaited; a context that is served has it already."""
        interface = self.app.session_interface
        if self.opened_session is None and opens_early(interface):
            session = await _finished_result(
                interface.open_session(self.app, self.request_or_websocket)
            )
            if session is None:
                session = await _finished_result(interface.make_null_session(self.app))
            self.keep_session(session)

    def keep_session(self, session: SessionMixin | None) -> SessionMixin:
        """Keep what the session interface has opened, or a null session instead of ``None``.

        Args:
            session: The session, or ``None``.

        Returns:
            The session that is kept.
        """
        if session is None:
            null: Any = self.app.session_interface.make_null_session(self.app)
            session = cast(SessionMixin, at_once(null) if inspect.iscoroutine(null) else null)
        self.needs_response = True
        self.opened_session = session
        return session

    def match_again(self) -> None:
        """Match the URL once more: a converter needed the session, which is open now."""
        if isinstance(self.routing_exception, SessionNotOpen):
            self.routing_exception = None
            self.match_request()
            rule, app = self.url_rule, self.app
            if rule is not None:
                self.scope["route"] = rule
                self.scope["endpoint"] = app.view_functions.get(rule.endpoint)


def _opened_at_once(interface: object, opening: Any) -> Any:
    """Return the session of an ``async def open_session`` that does not wait.

    Raises:
        RuntimeError: It may wait.
    """
    if inspect.iscoroutine(opening):
        if not opens_early(interface):
            return at_once(opening)
        opening.close()
    raise RuntimeError(
        f"open_session() of {interface!r} is `async def`, and this context was entered with `with`."
        " Write `async with`."
    )


async def _finished_result(result: Any) -> Any:
    """Await what a method of a session interface returned, if it is `async def`."""
    return await result if inspect.isawaitable(result) else result
