"""Sessions: the async API's, whose interface is awaited."""

from __future__ import annotations

import hashlib
from typing import Any, cast

from .. import sessions as async_api
from .._fast.signing import Digest
from ..json.tag import TaggedJSONSerializer
from ..sessions import NullSession as NullSession
from ..sessions import SecureCookieSession as SecureCookieSession
from ..sessions import SessionMixin as SessionMixin

session_json_serializer = TaggedJSONSerializer()


def _sha1(string: bytes = b"", *, usedforsecurity: bool = True) -> Digest:
    # A FIPS build of Python has none: it is looked up when it is used.
    return hashlib.sha1(string, usedforsecurity=usedforsecurity)


class SessionInterface(async_api.SessionInterface):
    """How sessions are opened and saved: override :meth:`open_session` and :meth:`save_session`.

    Source: ``Quart: sessions.SessionInterface``.
    """

    async def make_null_session(self, app: Any) -> NullSession:
        """Make the session that is used where :meth:`open_session` returned ``None``.

        Args:
            app: The app.
        """
        return super().make_null_session(app)

    def is_null_session(self, instance: object) -> bool:
        """Return whether a session is a null session, which is not saved.

        Args:
            instance: The session.
        """
        return super().is_null_session(instance)

    async def open_session(self, app: Any, request: Any) -> SessionMixin | None:
        """Return the session of a request or websocket.

        Args:
            app: The app.
            request: The request or websocket.
        """
        return cast("SessionMixin | None", super().open_session(app, request))

    async def save_session(self, app: Any, session: Any, response: Any) -> None:
        """Save the session.

        Args:
            app: The app.
            session: The session.
            response: The response; ``None`` for a websocket.
        """
        super().save_session(app, session, response)


class SecureCookieSessionInterface(SessionInterface, async_api.SecureCookieSessionInterface):
    """The default: the session is a cookie, signed by itsdangerous with ``SECRET_KEY``.

    Source: ``Quart: sessions.SecureCookieSessionInterface``.
    """

    digest_method = staticmethod(_sha1)

    @async_api.never_waits
    async def open_session(self, app: Any, request: Any) -> SecureCookieSession | None:
        """Return the session of the cookie; an empty one if there is none or it is not valid.

        Args:
            app: The app.
            request: The request or websocket.

        Returns:
            The session; ``None`` without a secret key.
        """
        return async_api.SecureCookieSessionInterface.open_session(self, app, request)

    @async_api.never_waits
    async def save_session(self, app: Any, session: Any, response: Any) -> None:
        """Set, refresh or delete the cookie, if necessary.

        Args:
            app: The app.
            session: The session.
            response: The response; ``None`` for a websocket, whose handshake was answered.
        """
        if response is not None:
            cookie = async_api.SecureCookieSessionInterface
            cookie.save_session(self, app, cast(SessionMixin, session), response)
