"""Sessions: the signed cookie, and the interface by which another store takes its place.

The cookie is Flask 3.1's, byte for byte, so that either framework reads what the other wrote. When
a session is opened and saved is not decided here but by ``ctx`` and ``dispatch/``. An interface of
the application's own may have ``async def`` methods; those that stand here are all ``def``.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import zlib
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn, Protocol

from itsdangerous import BadSignature, Signer, TimestampSigner, URLSafeTimedSerializer
from itsdangerous.encoding import want_bytes
from itsdangerous.signer import HMACAlgorithm
from werkzeug.datastructures import CallbackDict
from werkzeug.sansio.response import Response

from .json.tag import TaggedJSONSerializer


class SessionApp(Protocol):
    """What a session interface asks of an app."""

    @property
    def config(self) -> Mapping[str, Any]: ...

    @property
    def secret_key(self) -> str | bytes | None: ...

    @property
    def permanent_session_lifetime(self) -> timedelta: ...


class SessionRequest(Protocol):
    """What a session interface asks of a request or websocket."""

    @property
    def cookies(self) -> Mapping[str, str]: ...


class SessionMixin(MutableMapping[str, Any]):
    """What a session has beyond a dictionary's methods.

    Source: ``Flask: sessions.SessionMixin``.
    """

    new = False
    """Whether the session was made by this request; an interface that cannot tell says no."""

    modified = True
    """Whether it has to be saved; an interface that cannot tell says yes."""

    accessed = False
    """Whether the application looked into it: then the answer depends on the cookie, and
    ``Vary: Cookie`` is sent."""

    @property
    def permanent(self) -> bool:
        """Whether the session outlives the browser, for ``PERMANENT_SESSION_LIFETIME``."""
        return bool(self.get("_permanent", False))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self["_permanent"] = bool(value)


class SecureCookieSession(CallbackDict[str, Any], SessionMixin):
    """A session that lives in a signed cookie: everybody may read it, only the app can write it.

    Only its own keys are watched: after changing a list or dict *inside* it, set
    ``session.modified = True``.

    Args:
        initial: First content.

    Source: ``Flask: sessions.SecureCookieSession``.
    """

    modified = False

    def __init__(self, initial: Mapping[str, Any] | None = None) -> None:
        super().__init__(initial, _mark_modified)


def _mark_modified(session: SecureCookieSession) -> None:
    session.modified = True


def _marking(name: str) -> Callable[..., Any]:
    method = getattr(CallbackDict, name)

    @functools.wraps(method)
    def marking(self: SecureCookieSession, *args: Any) -> Any:
        self.accessed = True
        return method(self, *args)

    return marking


# SECURITY: an answer that depends on the session in any way must not be cached for another user
# (CVE-2026-27205: a key looked up with `in`, or len(), did not count). The context marks a session
# that it hands out; here every method of dict that reads is marked too, for one that came another
# way. What changes the session needs no mark, since it sends the cookie.
for _name in (
    *("__getitem__", "get", "__contains__", "__len__", "__iter__", "__reversed__", "keys"),
    *("values", "items", "copy", "__eq__", "__ne__", "__or__", "__ror__", "__repr__"),
):
    setattr(SecureCookieSession, _name, _marking(_name))


class NullSession(SecureCookieSession):
    """The session of an app without a secret key: empty, and it explains itself when written to.

    Source: ``Flask: sessions.NullSession``.
    """

    def _fail(self, *args: Any, **kwargs: Any) -> NoReturn:
        # COMPAT: Flask's suite looks for "session is unavailable".
        raise RuntimeError(
            "The session is unavailable: there is no secret key to sign what was to be written"
            " into it.\n\n"
            "Set one, unique and secret: app.secret_key = ... (make it once, with"
            " `python -c 'import secrets; print(secrets.token_hex())'`)."
        )

    __setitem__ = __delitem__ = clear = pop = popitem = update = setdefault = __ior__ = _fail
    del _fail


class SessionInterface:
    """How sessions are opened and saved; replace ``app.session_interface`` for another store.

    A subclass gives :meth:`open_session` and :meth:`save_session`, as ``def`` or ``async def``.
    Several requests with one session may run at the same time: a store has to bear that.

    Source: ``Flask: sessions.SessionInterface``.
    """

    null_session_class: type[NullSession] = NullSession
    """The class of the session that stands in where none can be opened."""

    pickle_based = False
    """Whether the store pickles (extensions ask)."""

    def make_null_session(self, app: SessionApp) -> NullSession:
        """Make the session that stands in where :meth:`open_session` returned ``None``."""
        return self.null_session_class()

    def is_null_session(self, obj: object) -> bool:
        """Tell whether ``obj`` is such a stand-in, which is not saved."""
        return isinstance(obj, self.null_session_class)

    def get_cookie_name(self, app: SessionApp) -> str:
        """Return the cookie's name: ``SESSION_COOKIE_NAME``."""
        name: str = app.config["SESSION_COOKIE_NAME"]
        return name

    def get_cookie_domain(self, app: SessionApp) -> str | None:
        """Return the cookie's domain, ``None`` for the exact host: ``SESSION_COOKIE_DOMAIN``."""
        domain: str | None = app.config["SESSION_COOKIE_DOMAIN"]
        return domain

    def get_cookie_path(self, app: SessionApp) -> str:
        """Return the cookie's path: ``SESSION_COOKIE_PATH`` or else ``APPLICATION_ROOT``."""
        path: str = app.config["SESSION_COOKIE_PATH"] or app.config["APPLICATION_ROOT"]
        return path

    def get_cookie_httponly(self, app: SessionApp) -> bool:
        """Return whether scripts may not read the cookie: ``SESSION_COOKIE_HTTPONLY``."""
        httponly: bool = app.config["SESSION_COOKIE_HTTPONLY"]
        return httponly

    def get_cookie_secure(self, app: SessionApp) -> bool:
        """Return whether the cookie needs HTTPS: ``SESSION_COOKIE_SECURE``."""
        secure: bool = app.config["SESSION_COOKIE_SECURE"]
        return secure

    def get_cookie_samesite(self, app: SessionApp) -> str | None:
        """Return ``"Strict"``, ``"Lax"``, ``"None"`` or ``None``: ``SESSION_COOKIE_SAMESITE``."""
        samesite: str | None = app.config["SESSION_COOKIE_SAMESITE"]
        return samesite

    def get_cookie_partitioned(self, app: SessionApp) -> bool:
        """Return whether the cookie is kept per top-level site: ``SESSION_COOKIE_PARTITIONED``."""
        partitioned: bool = app.config["SESSION_COOKIE_PARTITIONED"]
        return partitioned

    def get_expiration_time(self, app: SessionApp, session: SessionMixin) -> datetime | None:
        """Return when the cookie expires; ``None``: when the browser is closed."""
        if session.permanent:
            return datetime.now(UTC) + app.permanent_session_lifetime
        return None

    def should_set_cookie(self, app: SessionApp, session: SessionMixin) -> bool:
        """Tell whether the answer sets the cookie: the session changed, or is to be refreshed."""
        return session.modified or (
            session.permanent and bool(app.config["SESSION_REFRESH_EACH_REQUEST"])
        )

    def open_session(self, app: SessionApp, request: SessionRequest) -> SessionMixin | None:
        """Return the session of a request; ``None``: there can be none, a null session is used.

        Args:
            app: The app.
            request: The request or websocket.
        """
        raise NotImplementedError(_must_define(self, "open_session(self, app, request)"))

    def save_session(self, app: SessionApp, session: SessionMixin, response: Response) -> None:
        """Save the session and say so in the answer. Not called with a null session.

        Args:
            app: The app.
            session: What :meth:`open_session` returned.
            response: The answer.
        """
        raise NotImplementedError(_must_define(self, "save_session(self, app, session, response)"))


def _must_define(interface: SessionInterface, signature: str) -> str:
    return (
        f"{type(interface).__name__} is set as session interface but does not say how a session"
        f" is opened and saved.\n\nDefine it there: def {signature}: ..."
    )


session_json_serializer = TaggedJSONSerializer()


def _lazy_sha1(string: bytes = b"") -> Any:
    """SHA-1, looked up when it is needed: a FIPS build of Python has none."""
    return hashlib.sha1(string)


class SecureCookieSessionInterface(SessionInterface):
    """The default: the session is a cookie, signed by itsdangerous with ``SECRET_KEY``.

    Source: ``Flask: sessions.SecureCookieSessionInterface``.
    """

    salt = "cookie-session"
    """Added to the secret key, so that a signature made for something else is not good here."""

    digest_method: Callable[..., Any] = staticmethod(_lazy_sha1)
    """The hash of the signature."""

    key_derivation = "hmac"
    """How itsdangerous makes the signing key of the secret key and the salt."""

    serializer: Any = session_json_serializer
    """Writes and reads the content."""

    session_class: type[SecureCookieSession] = SecureCookieSession
    """The class of the sessions."""

    def get_signing_serializer(self, app: SessionApp) -> URLSafeTimedSerializer | None:
        """Return what signs and checks the cookie; ``None`` without a secret key.

        ``SECRET_KEY`` signs; ``SECRET_KEY_FALLBACKS`` are good for checking only.
        """
        secret_key = app.secret_key
        if not secret_key:
            return None
        # SECURITY: itsdangerous signs with the last key (GHSA-4grg-w6v8-c28g: Flask had a fallback
        # there, so that old keys went on signing).
        keys = (*(app.config["SECRET_KEY_FALLBACKS"] or ()), secret_key)
        serializer = self.serializer
        make = _signing_serializer
        if type(serializer).__hash__ is None:  # Such a serializer cannot be looked up.
            make = make.__wrapped__  # type: ignore[assignment]  # the same function, not cached
        return make(keys, self.salt, serializer, self.key_derivation, self.digest_method)

    def open_session(self, app: SessionApp, request: SessionRequest) -> SecureCookieSession | None:
        """Return the session that the cookie holds; an empty one if it is missing or not good."""
        serializer = self.get_signing_serializer(app)
        if serializer is None:
            return None
        cookie = request.cookies.get(self.get_cookie_name(app))
        if not cookie:
            return self.session_class()
        max_age = int(app.permanent_session_lifetime.total_seconds())
        try:
            return self.session_class(serializer.loads(cookie, max_age=max_age))
        except BadSignature:
            return self.session_class()

    def save_session(self, app: SessionApp, session: SessionMixin, response: Response) -> None:
        """Set, refresh or delete the cookie, where that is due, and send ``Vary: Cookie``."""
        # What follows looks into the session itself; that is no access of the application's.
        accessed = depends = session.accessed
        if session:
            if self.should_set_cookie(app, session):
                self._set_cookie(app, session, response)
                # SECURITY: also when the session was only refreshed (CVE-2023-30861).
                depends = True
        elif session.modified:
            name, options = self._cookie(app)
            response.delete_cookie(name, **options)
            depends = True
        session.accessed = accessed
        if depends:
            headers = response.headers
            if "vary" in headers:
                response.vary.add("Cookie")
            else:
                headers["Vary"] = "Cookie"  # PERF: the same, 4 µs sooner.

    def _set_cookie(self, app: SessionApp, session: SessionMixin, response: Response) -> None:
        serializer = self.get_signing_serializer(app)
        if serializer is None:
            raise RuntimeError(
                "The session was changed, but SECRET_KEY was removed during the request, so it"
                " cannot be signed.\n\nSet app.secret_key once, before the app serves."
            )
        name, options = self._cookie(app)
        expires = self.get_expiration_time(app, session)
        response.set_cookie(name, serializer.dumps(dict(session)), expires=expires, **options)

    def _cookie(self, app: SessionApp) -> tuple[str, dict[str, Any]]:
        """The cookie's name, and what setting and deleting it have in common."""
        return self.get_cookie_name(app), {
            "domain": self.get_cookie_domain(app),
            "path": self.get_cookie_path(app),
            "secure": self.get_cookie_secure(app),
            "httponly": self.get_cookie_httponly(app),
            "samesite": self.get_cookie_samesite(app),
            "partitioned": self.get_cookie_partitioned(app),
        }


# -- signing ---------------------------------------------------------------------------------------


# PERF: building the serializer costs 3.9 µs and deriving its keys 4 µs for each cookie read or
# written (to open, change and save a session: 56 µs → 35 µs); both depend on these values only.
# Bounded: a process has few apps. A key that was taken away stops being good at once, since the
# keys are part of what is looked up.
@functools.lru_cache(maxsize=16)
def _signing_serializer(
    keys: tuple[str | bytes, ...],
    salt: str | bytes,
    serializer: Any,
    key_derivation: str,
    digest_method: Callable[..., Any],
) -> URLSafeTimedSerializer:
    return _KeptSerializer(
        list(keys),  # type: ignore[arg-type]  # itsdangerous declares str or bytes, and takes both
        salt=salt,
        serializer=serializer,
        signer=_KeptSigner,
        signer_kwargs={
            "key_derivation": key_derivation,
            "digest_method": digest_method,
            "algorithm": _KeptHMAC(digest_method),
        },
    )


class _KeptSerializer(URLSafeTimedSerializer):
    """itsdangerous' serializer, with its signer kept, and a short way for cookies that are good.

    The short way only ever says yes: whatever it does not recognise as a good cookie, itsdangerous
    decides. Property tests hold the two against each other.
    """

    def make_signer(self, salt: str | bytes | None = None) -> Signer:
        if salt is None or salt == self.salt:
            return self._signer
        return super().make_signer(salt)

    @functools.cached_property
    def _signer(self) -> _KeptSigner:
        signer: Any = super().make_signer()
        return signer  # type: ignore[no-any-return]  # the class is given above

    def loads(  # type: ignore[override]  # itsdangerous' own is not compatible with its base
        self,
        s: str | bytes,
        max_age: int | None = None,
        return_timestamp: bool = False,
        salt: str | bytes | None = None,
    ) -> Any:
        # PERF: 4 µs instead of 13.
        if max_age is not None and salt is None and not return_timestamp:
            content = self._signer.good_content(s, max_age)
            if content is not None:
                return self.serializer.loads(
                    content.decode() if self.is_text_serializer else content  # type: ignore[arg-type]  # either
                )
        return super().loads(s, max_age, return_timestamp, salt)

    def dumps(self, obj: Any, salt: str | bytes | None = None) -> Any:
        # PERF: 5 µs instead of 10.
        if salt is not None:
            return super().dumps(obj, salt)
        return self._signer.sign(self.dump_payload(obj)).decode()

    def dump_payload(self, obj: Any) -> bytes:
        written = self.serializer.dumps(obj)
        content: bytes = written.encode() if isinstance(written, str) else written
        # zlib's own frame alone is longer than what it could save of this.
        if len(content) > _NEVER_SHRINKS:
            compressed = zlib.compress(content)
            if len(compressed) < len(content) - 1:
                return b"." + _base64(compressed)
        return _base64(content)


class _KeptSigner(TimestampSigner):
    """itsdangerous' signer, with its derived keys kept. Safe in several threads."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._derived: dict[bytes, bytes] = {}

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        secret = self.secret_keys[-1] if secret_key is None else want_bytes(secret_key)
        derived = self._derived.get(secret)
        if derived is None:
            derived = self._derived[secret] = super().derive_key(secret)
        return derived

    def sign(self, value: str | bytes) -> bytes:
        time = self.get_timestamp()
        signed = (
            want_bytes(value) + b"." + _base64(time.to_bytes((time.bit_length() + 7) // 8, "big"))
        )
        return signed + b"." + _base64(self.algorithm.get_signature(self.derive_key(), signed))

    def good_content(self, cookie: str | bytes, max_age: int) -> bytes | None:
        """Return what a cookie carries if it is good beyond doubt and not compressed."""
        signed, _, signature = want_bytes(cookie).rpartition(b".")
        payload, _, time = signed.rpartition(b".")
        if not payload or payload[:1] == b".":
            return None
        for secret in reversed(self.secret_keys):
            made = _base64(self.algorithm.get_signature(self.derive_key(secret), signed))
            if hmac.compare_digest(made, signature):
                break
        else:
            return None
        # What is signed was made by us, or by Flask: it is what base64 gives.
        age = self.get_timestamp() - int.from_bytes(_unbase64(time), "big")
        return _unbase64(payload) if 0 <= age <= max_age else None


class _KeptHMAC(HMACAlgorithm):
    """HMAC in one call of OpenSSL's, where that knows the hash."""

    def __init__(self, digest_method: Callable[..., Any]) -> None:
        super().__init__(digest_method)
        self._name: str | None = None
        self._is_known: bool | None = None

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        if self._is_known is None:
            self._is_known = self._look(key, value)
        if self._is_known:
            return hmac.digest(key, value, self._name)  # type: ignore[arg-type]  # known
        return super().get_signature(key, value)

    def _look(self, key: bytes, value: bytes) -> bool:
        """Tell whether the hash goes by a name that gives the same."""
        self._name = getattr(self.digest_method(), "name", None)
        try:
            made = hmac.digest(key, value, self._name)  # type: ignore[arg-type]  # tried
        except (TypeError, ValueError):
            return False
        return made == super().get_signature(key, value)


#: zlib adds 6 bytes of its own, and the four signs of any JSON object with a key take deflate 9.
_NEVER_SHRINKS = 16
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_URL_UNSAFE = bytes.maketrans(b"-_", b"+/")


def _base64(data: bytes) -> bytes:
    """Return URL-safe base64 without padding, as itsdangerous writes it."""
    return b2a_base64(data, newline=False).translate(_URL_SAFE).rstrip(b"=")


def _unbase64(text: bytes) -> bytes:
    return a2b_base64(text.translate(_URL_UNSAFE) + b"=" * (-len(text) % 4))
