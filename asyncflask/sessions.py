"""Sessions: the signed cookie, and the interface of other stores.

The cookie is Flask 3.1's, byte for byte, so that each framework reads what the other wrote. When a
session is opened and saved is decided in the context and in ``dispatch/``. An app's own interface
may have ``async def`` methods; those of this module are ``def``.

PERF: the cookie session, the search for its cookie, and the serializer make fewer calls than the
libraries would: the first saves 2 to 3 %, the second 3 to 4 % of a request with a session, on
CPython 3.11 and 3.13.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn, Protocol, TypeVar

from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.datastructures import CallbackDict

from . import _invalidation
from ._fast.signing import CookieSerializer, Digest
from .exceptions import missing_method
from .json.tag import TaggedJSONSerializer
from .typing import Overridable
from .wrappers.response.headers import add_checked

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


class ContentSerializer(Protocol):
    """What writes and reads the content of a session."""

    def dumps(self, obj: object, /) -> str: ...

    def loads(self, payload: str, /) -> object: ...


class SessionMixin(MutableMapping[str, Any]):
    """The attributes that a session has in addition to those of a dictionary.

    Source: ``Flask: sessions.SessionMixin``.
    """

    new = False
    """Whether the session was made by this request; ``False`` if the interface does not know."""

    modified = True
    """Whether it has to be saved; ``True`` if the interface does not know."""

    accessed = False
    """Whether the application used it: the context marks the session that it returns. The response
    then depends on the cookie, so ``Vary: Cookie`` is sent."""

    @property
    def permanent(self) -> bool:
        """Whether the session outlives the browser, for ``PERMANENT_SESSION_LIFETIME``."""
        return bool(self.get("_permanent", False))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self["_permanent"] = bool(value)


class SecureCookieSession(CallbackDict[str, Any], SessionMixin):
    """A session in a signed cookie: the client can read it, and only the app can write it.

    Only changes of its own keys are noticed: after changing a list or dict *inside* it, set
    ``session.modified = True``.

    Args:
        initial: The first content.

    Source: ``Flask: sessions.SecureCookieSession``.
    """

    modified = False

    def __init__(self, initial: Mapping[str, Any] | None = None) -> None:
        # As in CallbackDict, and below as in its decorator, with fewer calls.
        dict.__init__(self, initial or ())
        self.on_update = _mark_modified

    def __setitem__(self, key: str, value: object) -> None:
        dict.__setitem__(self, key, value)
        on_update = self.on_update
        if on_update is _mark_modified:
            self.modified = True
        elif on_update is not None:
            on_update(self)  # type: ignore[arg-type]  # this is Self


def _mark_modified(session: SecureCookieSession) -> None:
    session.modified = True


class NullSession(SecureCookieSession):
    """The session of an app without a secret key: empty; writing to it raises an error.

    Source: ``Flask: sessions.NullSession``.
    """

    def _fail(self, *args: Any, **kwargs: Any) -> NoReturn:
        # COMPAT: Flask's suite looks for "session is unavailable".
        raise RuntimeError(
            "The session is unavailable: there is no secret key to sign what is written into"
            " it.\n\nSet one, unique and secret: app.secret_key = ... (make it once, with"
            " `python -c 'import secrets; print(secrets.token_hex())'`)."
        )

    __setitem__ = __delitem__ = clear = pop = popitem = update = setdefault = __ior__ = _fail
    del _fail


_KIND = "a session interface"


class SessionInterface:
    """How sessions are opened and saved; replace ``app.session_interface`` for another store.

    A subclass defines :meth:`open_session` and :meth:`save_session`, as ``def`` or ``async def``.
    Several requests with the same session may run at the same time; a store has to allow for that.

    Source: ``Flask: sessions.SessionInterface``.
    """

    null_session_class: type[NullSession] = NullSession
    """The class of the session that is used where none can be opened."""

    pickle_based = False
    """Whether the store uses pickle (read by extensions)."""

    def make_null_session(self, app: Any) -> Overridable[NullSession]:
        """Make the session that is used where :meth:`open_session` returned ``None``.

        Args:
            app: The app.
        """
        return self.null_session_class()

    def is_null_session(self, obj: object) -> bool:
        """Return whether ``obj`` is a null session, which is not saved.

        Args:
            obj: A session.
        """
        return isinstance(obj, self.null_session_class)

    def get_cookie_name(self, app: Any) -> str:
        """Return the cookie's name: ``SESSION_COOKIE_NAME``.

        Args:
            app: The app.
        """
        name: str = app.config["SESSION_COOKIE_NAME"]
        return name

    def get_cookie_domain(self, app: Any) -> str | None:
        """Return the cookie's domain, ``None`` for the exact host: ``SESSION_COOKIE_DOMAIN``.

        Args:
            app: The app.
        """
        domain: str | None = app.config["SESSION_COOKIE_DOMAIN"]
        return domain

    def get_cookie_path(self, app: Any) -> str:
        """Return the cookie's path: ``SESSION_COOKIE_PATH`` or else ``APPLICATION_ROOT``.

        Args:
            app: The app.
        """
        path: str = app.config["SESSION_COOKIE_PATH"] or app.config["APPLICATION_ROOT"]
        return path

    def get_cookie_httponly(self, app: Any) -> bool:
        """Return whether scripts may not read the cookie: ``SESSION_COOKIE_HTTPONLY``.

        Args:
            app: The app.
        """
        httponly: bool = app.config["SESSION_COOKIE_HTTPONLY"]
        return httponly

    def get_cookie_secure(self, app: Any) -> bool:
        """Return whether the cookie needs HTTPS: ``SESSION_COOKIE_SECURE``.

        Args:
            app: The app.
        """
        secure: bool = app.config["SESSION_COOKIE_SECURE"]
        return secure

    def get_cookie_samesite(self, app: Any) -> str | None:
        """Return ``"Strict"``, ``"Lax"``, ``"None"`` or ``None``: ``SESSION_COOKIE_SAMESITE``.

        Args:
            app: The app.
        """
        samesite: str | None = app.config["SESSION_COOKIE_SAMESITE"]
        return samesite

    def get_cookie_partitioned(self, app: Any) -> bool:
        """Return whether the cookie is kept per top-level site: ``SESSION_COOKIE_PARTITIONED``.

        Args:
            app: The app.
        """
        partitioned: bool = app.config["SESSION_COOKIE_PARTITIONED"]
        return partitioned

    def get_expiration_time(self, app: Any, session: SessionMixin) -> datetime | None:
        """Return when the cookie expires; ``None``: when the browser is closed.

        Args:
            app: The app.
            session: The session.
        """
        if session.permanent:
            lifetime: timedelta = app.permanent_session_lifetime
            return datetime.now(UTC) + lifetime
        return None

    def should_set_cookie(self, app: Any, session: SessionMixin) -> bool:
        """Return whether the response sets the cookie: the session was changed, or is refreshed.

        Args:
            app: The app.
            session: The session.
        """
        return session.modified or (
            session.permanent and bool(app.config["SESSION_REFRESH_EACH_REQUEST"])
        )

    def open_session(
        self, app: Any, request: Any
    ) -> SessionMixin | Awaitable[SessionMixin | None] | None:
        """Return the session of a request.

        Args:
            app: The app.
            request: The request or websocket.

        Returns:
            The session; ``None`` if there can be none: then a null session is used.
        """
        raise missing_method(self, _KIND, "open_session(self, app, request)")

    def save_session(
        self, app: Any, session: SessionMixin, response: Any
    ) -> Awaitable[None] | None:
        """Save the session and set the cookie. It is not called with a null session.

        Args:
            app: The app.
            session: What :meth:`open_session` returned.
            response: The response.
        """
        raise missing_method(self, _KIND, "save_session(self, app, session, response)")


session_json_serializer = TaggedJSONSerializer()


def _lazy_sha1(string: bytes = b"") -> Digest:
    """Return SHA-1, which is looked up when it is used: a FIPS build of Python has none."""
    return hashlib.sha1(string)


class SecureCookieSessionInterface(SessionInterface):
    """The default: the session is a cookie, signed by itsdangerous with ``SECRET_KEY``.

    Source: ``Flask: sessions.SecureCookieSessionInterface``.
    """

    salt = "cookie-session"
    """Added to the secret key, so that a signature of something else is not valid here."""

    digest_method: Callable[..., Any] = staticmethod(_lazy_sha1)
    """The hash of the signature."""

    key_derivation = "hmac"
    """How itsdangerous derives the signing key from the secret key and the salt."""

    serializer: Any = session_json_serializer
    """Writes and reads the content."""

    session_class: type[SecureCookieSession] = SecureCookieSession
    """The class of the sessions."""

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        _tell_of(name)

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        _tell_of(name)

    def get_signing_serializer(self, app: Any) -> URLSafeTimedSerializer | None:
        """Return the serializer that signs and checks the cookie; ``None`` without a secret key.

        ``SECRET_KEY`` signs; ``SECRET_KEY_FALLBACKS`` are used for checking only.

        Args:
            app: The app.
        """
        secret_key = app.secret_key
        if not secret_key:
            return None
        # SECURITY: itsdangerous signs with the last key (GHSA-4grg-w6v8-c28g: Flask had a fallback
        # there, so that old keys still signed).
        fallbacks = app.config["SECRET_KEY_FALLBACKS"]
        keys = (*fallbacks, secret_key) if fallbacks else (secret_key,)
        settings = (keys, self.salt, self.serializer, self.key_derivation, self.digest_method)
        try:
            return _signing_serializer(*settings)
        except TypeError:  # One of them has no hash.
            return _signing_serializer.__wrapped__(*settings)

    def open_session(self, app: Any, request: Any) -> Overridable[SecureCookieSession | None]:
        """Return the session of the cookie; an empty one if there is none or it is not valid.

        Args:
            app: The app.
            request: The request or websocket.

        Returns:
            The session; ``None`` without a secret key.
        """
        serializer = self.get_signing_serializer(app)
        if serializer is None:
            return None
        name = self.get_cookie_name(app)
        # Our own requests find one cookie without parsing all.
        find = getattr(request, "find_cookie", None) or request.cookies.get
        cookie = find(name)
        if not cookie:
            return self.session_class()
        max_age = int(app.permanent_session_lifetime.total_seconds())
        try:
            return self.session_class(serializer.loads(cookie, max_age=max_age))
        except BadSignature:
            return self.session_class()

    def save_session(self, app: Any, session: SessionMixin, response: Any) -> Overridable[None]:
        """Set, refresh or delete the cookie, if necessary, and send ``Vary: Cookie``.

        Args:
            app: The app.
            session: The session.
            response: The response.

        Raises:
            RuntimeError: The secret key was removed during the request.
        """
        depends = session.accessed
        if session:
            if self.should_set_cookie(app, session):
                self._set_cookie(app, session, dict(session), response)
                # SECURITY: also when the session was only refreshed (CVE-2023-30861).
                depends = True
        elif session.modified:
            response.delete_cookie(
                self.get_cookie_name(app),
                path=self.get_cookie_path(app),
                domain=self.get_cookie_domain(app),
                secure=self.get_cookie_secure(app),
                httponly=self.get_cookie_httponly(app),
                samesite=self.get_cookie_samesite(app),
                partitioned=self.get_cookie_partitioned(app),
            )
            depends = True
        if depends:
            headers = response.headers
            if "vary" in headers:
                response.vary.add("Cookie")
            else:
                add_checked(headers, "Vary", "Cookie")
        return None

    def _set_cookie(
        self, app: Any, session: SessionMixin, content: dict[str, Any], response: Any
    ) -> None:
        serializer = self.get_signing_serializer(app)
        if serializer is None:
            raise RuntimeError(
                "The session was changed, but SECRET_KEY was removed during the request, so it"
                " cannot be signed.\n\nSet app.secret_key once, before the app serves."
            )
        response.set_cookie(
            self.get_cookie_name(app),
            serializer.dumps(content),
            expires=self.get_expiration_time(app, session),
            path=self.get_cookie_path(app),
            domain=self.get_cookie_domain(app),
            secure=self.get_cookie_secure(app),
            httponly=self.get_cookie_httponly(app),
            samesite=self.get_cookie_samesite(app),
            partitioned=self.get_cookie_partitioned(app),
        )


# -- when a session is opened ----------------------------------------------------------------------

#: The methods that open and save cookie sessions, as they are before a test or an extension
#: replaces one.
_COOKIE_METHODS: dict[str, set[Callable[..., Any]]] = {
    name: {vars(SecureCookieSessionInterface)[name]} for name in ("open_session", "save_session")
}


def never_waits(method: F) -> F:
    """Mark an ``async def`` method that does what the cookie session's does, without waiting.

    Args:
        method: ``open_session`` or ``save_session``.
    """
    _COOKIE_METHODS[method.__name__].add(method)
    return method


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that does not wait.

    Args:
        coroutine: Of a method that :func:`never_waits`.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    coroutine.close()
    raise RuntimeError(f"{coroutine!r} waited. Do not wait in it, or do not mark it @never_waits.")


def opens_early(interface: object) -> bool:
    """Return whether a session has to be opened before the hooks of a request.

    The cookie session needs no I/O: it is opened when it is first used. The methods of the
    interface are compared, not its class: a wrapper may call the cookie session for everything,
    and a function may be set on an instance.

    Args:
        interface: Any object with the methods of :class:`SessionInterface`.
    """
    return any(
        getattr(getattr(interface, name), "__func__", None) not in methods
        for name, methods in _COOKIE_METHODS.items()
    )


def _tell_of(name: str) -> None:
    """Let apps check their interface again, after one of its methods was replaced."""
    if name in _COOKIE_METHODS:
        _invalidation.tell_all()


class SessionNotOpen(RuntimeError):
    """The session was used before it could be opened: while the URL is matched."""


# -- signing ---------------------------------------------------------------------------------------


# The serializer and the keys that it derives depend on these values only. A key that was removed is
# not used any more, because the keys are part of what is looked up.
@functools.lru_cache(maxsize=16)
def _signing_serializer(
    keys: tuple[str | bytes, ...],
    salt: str | bytes,
    serializer: ContentSerializer,
    key_derivation: str,
    digest_method: Callable[..., Any],
) -> URLSafeTimedSerializer:
    return CookieSerializer(
        list(keys),  # type: ignore[arg-type]  # itsdangerous declares str or bytes, and takes both
        salt=salt,
        serializer=serializer,
        signer_kwargs={"key_derivation": key_derivation, "digest_method": digest_method},
    )
