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
from werkzeug.datastructures import CallbackDict
from werkzeug.sansio.response import Response

from . import watching
from .json.tag import TaggedJSONSerializer
from .wrappers.response.response import CookieOptions, add_checked, add_plain_cookie
from .wrappers.response.response import Response as OurResponse


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
        # PERF: what CallbackDict's would do, and below what its decorator does.
        dict.__init__(self, initial or ())
        self.on_update = _mark_modified

    def __setitem__(self, key: str, value: Any) -> None:
        dict.__setitem__(self, key, value)
        on_update = self.on_update
        if on_update is _mark_modified:
            self.modified = True
        elif on_update is not None:
            on_update(self)  # type: ignore[arg-type]  # this is Self

    # PERF: what _marking() would make of them, which goes through a tuple of arguments.
    def __getitem__(self, key: str) -> Any:
        self.accessed = True
        return dict.__getitem__(self, key)

    def get(self, key: str, default: Any = None, /) -> Any:
        """Return what is kept under ``key``, or else ``default``."""
        self.accessed = True
        return dict.get(self, key, default)


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
    *("__contains__", "__len__", "__iter__", "__reversed__", "keys"),
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
        null = self.null_session_class
        # PERF: a class of an ABC is asked through Python code whose instance it is.
        if obj.__class__ is SecureCookieSession and null is NullSession:
            return False
        return isinstance(obj, null)

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

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        _tell_of(name)

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        _tell_of(name)

    def get_signing_serializer(self, app: SessionApp) -> URLSafeTimedSerializer | None:
        """Return what signs and checks the cookie; ``None`` without a secret key.

        ``SECRET_KEY`` signs; ``SECRET_KEY_FALLBACKS`` are good for checking only.
        """
        secret_key = app.secret_key
        if not secret_key:
            return None
        # SECURITY: itsdangerous signs with the last key (GHSA-4grg-w6v8-c28g: Flask had a fallback
        # there, so that old keys went on signing).
        fallbacks = app.config["SECRET_KEY_FALLBACKS"]
        keys = (*fallbacks, secret_key) if fallbacks else (secret_key,)
        settings = (keys, self.salt, self.serializer, self.key_derivation, self.digest_method)
        try:
            return _signing_serializer(*settings)
        except TypeError:  # Something of it cannot be hashed, and so not be looked up.
            return _signing_serializer.__wrapped__(*settings)

    def open_session(self, app: SessionApp, request: SessionRequest) -> SecureCookieSession | None:
        """Return the session that the cookie holds; an empty one if it is missing or not good."""
        serializer = self.get_signing_serializer(app)
        if serializer is None:
            return None
        name = self.get_cookie_name(app)
        # PERF: our own requests find one cookie without parsing all.
        find = getattr(request, "_find_cookie", None) or request.cookies.get
        cookie = find(name)
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
        # One that has no headers yet but its type and length; PERF: they need not be searched.
        is_fresh = isinstance(response, OurResponse) and response.untouched
        is_plain = session.__class__ is SecureCookieSession
        # PERF: len() and bool() go through the methods that mark it.
        if dict.__len__(session) if is_plain else session:  # type: ignore[arg-type]  # then it is one
            if self.should_set_cookie(app, session):
                self._set_cookie(app, session, response)
                # SECURITY: also when the session was only refreshed (CVE-2023-30861).
                depends = True
        elif session.modified:
            named: Any = dict(zip(_OPTIONS, self._cookie_options(app), strict=True))
            response.delete_cookie(self.get_cookie_name(app), **named)
            depends = True
        session.accessed = accessed
        if depends:
            headers = response.headers
            if not is_fresh and "vary" in headers:
                response.vary.add("Cookie")
            else:
                add_checked(headers, "Vary", "Cookie")  # PERF: the same, 4 µs sooner.

    def _set_cookie(self, app: SessionApp, session: SessionMixin, response: Response) -> None:
        serializer = self.get_signing_serializer(app)
        if serializer is None:
            raise RuntimeError(
                "The session was changed, but SECRET_KEY was removed during the request, so it"
                " cannot be signed.\n\nSet app.secret_key once, before the app serves."
            )
        name = self.get_cookie_name(app)
        options = self._cookie_options(app)
        expires = self.get_expiration_time(app, session)
        # PERF: dict(session) goes through the methods that mark it.
        content = dict.items(session) if session.__class__ is SecureCookieSession else session
        value = serializer.dumps(dict(content))
        if not (
            expires is None
            and serializer.__class__ is _KeptSerializer  # It writes nothing that is to be quoted.
            and isinstance(response, OurResponse)
            and response.__class__.set_cookie is OurResponse.set_cookie
            and add_plain_cookie(response, name, value, options)
        ):
            named: Any = dict(zip(_OPTIONS, options, strict=True))
            response.set_cookie(name, value, expires=expires, **named)

    def _cookie_options(self, app: SessionApp) -> CookieOptions:
        """What setting the cookie and deleting it have in common, in the order of _OPTIONS."""
        return (
            self.get_cookie_path(app),
            self.get_cookie_domain(app),
            self.get_cookie_secure(app),
            self.get_cookie_httponly(app),
            self.get_cookie_samesite(app),
            self.get_cookie_partitioned(app),
        )


_OPTIONS = ("path", "domain", "secure", "httponly", "samesite", "partitioned")

# -- when a session is opened ----------------------------------------------------------------------

#: the functions of the cookie session, as they are before a test or an extension replaces one
_COOKIE_METHODS = {
    name: vars(SecureCookieSessionInterface)[name] for name in ("open_session", "save_session")
}


def opens_early(interface: Any) -> bool:
    """Tell whether a session interface has to be called before all else of a request.

    The cookie session needs no I/O: it is opened when it is looked at, in place. What counts is
    what the interface does, not its class: a wrapper may hand everything on to the cookie session,
    and a function may be set on an instance.

    Args:
        interface: Any object with the methods of :class:`SessionInterface`.
    """
    return any(
        getattr(getattr(interface, name), "__func__", None) is not method
        for name, method in _COOKIE_METHODS.items()
    )


def _tell_of(name: str) -> None:
    """Let apps look again which interface they have, after one of its methods was replaced."""
    if name in _COOKIE_METHODS:
        watching.tell_all()


class SessionNotOpen(RuntimeError):
    """The session was used before it could be opened: while the URL was matched."""


# -- signing ---------------------------------------------------------------------------------------


# PERF: building the serializer costs 3.9 µs and deriving its keys 4 µs for each cookie read or
# written; both depend on these values only. Bounded: a process has few apps. A key that was taken
# away stops being good at once, since the keys are part of what is looked up.
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
        signer_kwargs={"key_derivation": key_derivation, "digest_method": digest_method},
    )


class _KeptSerializer(URLSafeTimedSerializer):
    """itsdangerous' serializer, with a short way for cookies that are good.

    The short way only ever says yes: whatever it does not recognise as a good cookie, itsdangerous
    decides. Property tests hold the two against each other. Safe in several threads.
    """

    #: a second, and how it is written into the cookies of that second
    _stamp = (0, b"")

    @functools.cached_property
    def _signer(self) -> TimestampSigner:
        signer: Any = self.make_signer()
        return signer  # type: ignore[no-any-return]  # a timed serializer has that one

    @functools.cached_property
    def _macs(self) -> list[Mac]:
        """What signs, made from each key; the newest, which is the one to sign with, is first."""
        return [_make_mac(self._signer, key) for key in reversed(self._signer.secret_keys)]

    def loads(  # type: ignore[override]  # itsdangerous' own is not compatible with its base
        self,
        s: str | bytes,
        max_age: int | None = None,
        return_timestamp: bool = False,
        salt: str | bytes | None = None,
    ) -> Any:
        if max_age is not None and salt is None and not return_timestamp:
            try:
                content: Any = self._good_content(s.encode() if isinstance(s, str) else s, max_age)
                if content is not None:
                    return self.serializer.loads(
                        content.decode() if self.is_text_serializer else content
                    )
            except Exception:
                pass  # Signed, but not to be read; said below.
        return super().loads(s, max_age, return_timestamp, salt)

    def _good_content(self, cookie: bytes, max_age: int) -> bytes | None:
        """Return what a cookie carries if it is good beyond doubt."""
        signed, _, signature = cookie.rpartition(b".")
        for mac in self._macs:
            # PERF: _base64() and _unbase64() are written out here; a call is a third of each.
            own = b2a_base64(mac(signed)).translate(_URL_SAFE, _NOT_WRITTEN)
            if hmac.compare_digest(own, signature):
                break
        else:
            return None
        # What is signed was made by us, or by Flask: it is what base64 gives.
        payload, _, stamp = signed.rpartition(b".")
        second = a2b_base64(stamp.translate(_URL_UNSAFE) + b"==")
        age = self._signer.get_timestamp() - int.from_bytes(second, "big")
        if not 0 <= age <= max_age:
            return None
        if payload[:1] == b".":
            return zlib.decompress(_unbase64(payload[1:]))
        return a2b_base64(payload.translate(_URL_UNSAFE) + b"==")

    def dumps(self, obj: Any, salt: str | bytes | None = None) -> Any:
        if salt is not None:
            return super().dumps(obj, salt)
        second, stamp = self._stamp
        now = self._signer.get_timestamp()
        if now != second:
            stamp = b"." + _base64(now.to_bytes((now.bit_length() + 7) // 8, "big"))
            self._stamp = now, stamp
        signed = self.dump_payload(obj) + stamp
        mac = b2a_base64(self._macs[0](signed)).translate(_URL_SAFE, _NOT_WRITTEN)
        return f"{signed.decode()}.{mac.decode()}"

    def dump_payload(self, obj: Any) -> bytes:
        written = self.serializer.dumps(obj)
        content: bytes = written.encode() if isinstance(written, str) else written
        # zlib's own frame alone is longer than what it could save of this.
        if len(content) > _NEVER_SHRINKS:
            compressed = zlib.compress(content)
            if len(compressed) < len(content) - 1:
                return b"." + _base64(compressed)
        return b2a_base64(content).translate(_URL_SAFE, _NOT_WRITTEN)


Mac = Callable[[bytes], bytes]


def _make_mac(signer: Signer, secret_key: bytes) -> Mac:
    """Return what signs as itsdangerous does, with all done that depends on the key alone."""
    key = signer.derive_key(secret_key)
    mac = functools.partial(signer.algorithm.get_signature, key)
    try:
        kept = _hmac(signer.digest_method, key)
        return kept if kept(b"") == mac(b"") else mac
    except Exception:
        return mac  # A digest without copy(), or without a digest; said when it is used.


def _hmac(digest_method: Callable[..., Any], key: bytes) -> Mac:
    """HMAC (:rfc:`2104` §2) with the key's two blocks hashed beforehand.

    PERF: 0.5 µs, against 3.1 of hmac.new() and 1.4 of hmac.digest().
    """
    inner, outer = digest_method(), digest_method()
    if len(key) > inner.block_size:
        key = digest_method(key).digest()
    key = key.ljust(inner.block_size, b"\0")
    inner.update(bytes(byte ^ 0x36 for byte in key))
    outer.update(bytes(byte ^ 0x5C for byte in key))

    def mac(data: bytes) -> bytes:
        first, second = inner.copy(), outer.copy()
        first.update(data)
        second.update(first.digest())
        digest: bytes = second.digest()
        return digest

    return mac


#: zlib adds 6 bytes of its own, and the four signs of any JSON object with a key take deflate 9.
_NEVER_SHRINKS = 16
_NOT_WRITTEN = b"=\n"
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_URL_UNSAFE = bytes.maketrans(b"-_", b"+/")


def _base64(data: bytes) -> bytes:
    """Return URL-safe base64 without padding, as itsdangerous writes it."""
    return b2a_base64(data).translate(_URL_SAFE, _NOT_WRITTEN)


def _unbase64(text: bytes) -> bytes:
    return a2b_base64(text.translate(_URL_UNSAFE) + b"==")  # More than is needed is overlooked.
