"""The signed cookie, compared with Flask's own, and when it is sent."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import flask
import pytest
from flask.sessions import SecureCookieSession as FlasksSession
from flask.sessions import SecureCookieSessionInterface as FlaskInterface
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import BadPayload, BadSignature, SignatureExpired, URLSafeTimedSerializer
from markupsafe import Markup
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

import asyncflask
from asyncflask import Flask as AsyncFlask
from asyncflask.config import DEFAULT_CONFIG, Config, ConfigAttribute
from asyncflask.flask import Flask as FacadeFlask
from asyncflask.sessions import (
    NullSession,
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionInterface,
    SessionMixin,
)
from asyncflask.testing import TestClient
from asyncflask.wrappers.response.response import Response as OurResponse

KEPT_TYPES = {
    "text": "ü",
    "number": 1,
    "tuple": (1, (2,)),
    "bytes": b"\xff",
    "id": UUID(int=1),
    "when": datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
    "markup": Markup("<b>"),
    "like a tag": {" t": [1]},
    "long": "compressed " * 100,
}


class App:
    secret_key = ConfigAttribute["str | bytes | None"]("SECRET_KEY")
    permanent_session_lifetime = ConfigAttribute[timedelta]("PERMANENT_SESSION_LIFETIME")

    def __init__(self, **config: Any) -> None:
        self.config = Config("/", {**DEFAULT_CONFIG, "SECRET_KEY": "key", **config})


def oracle(app: App) -> Any:
    theirs = flask.Flask("oracle")
    theirs.config.update(app.config)
    return theirs


def request(cookie: str | None = None) -> Any:
    return SimpleNamespace(cookies={} if cookie is None else {"session": cookie})


def cookie_of(response: Response) -> str:
    return response.headers["Set-Cookie"].partition("=")[2].partition(";")[0]


def opened(app: App, cookie: str | None = None) -> SecureCookieSession:
    session = SecureCookieSessionInterface().open_session(app, request(cookie))
    assert session is not None
    return session


def saved(app: App, session: Any) -> Response:
    response = Response()
    SecureCookieSessionInterface().save_session(app, session, response)
    return response


def signed(app: App, content: dict[str, Any]) -> str:
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    return serializer.dumps(content)


# -- one cookie, two frameworks --------------------------------------------------------------------


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.binary() | st.tuples(st.text())))
def test_flask_reads_our_cookie_and_we_read_flasks(content: dict[str, Any]) -> None:
    app = App()
    ours = SecureCookieSessionInterface().get_signing_serializer(app)
    theirs = FlaskInterface().get_signing_serializer(oracle(app))
    assert ours is not None
    assert theirs is not None

    assert theirs.loads(ours.dumps(content)) == content
    assert ours.loads(theirs.dumps(content)) == content


def test_every_type_survives_in_both_directions() -> None:
    app, response = App(), Response()
    theirs = flask.sessions.SecureCookieSession()
    theirs.update(KEPT_TYPES)
    FlaskInterface().save_session(oracle(app), theirs, response)
    ours = opened(app, cookie_of(response))
    ours.modified = True

    assert ours == KEPT_TYPES
    cookie = cookie_of(saved(app, ours))
    assert FlaskInterface().open_session(oracle(app), request(cookie)) == KEPT_TYPES


def test_the_cookie_is_flasks_byte_for_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signature, compression and timestamp included, for each type that a session keeps."""
    monkeypatch.setattr("time.time", lambda: 1_700_000_000)
    app = App()
    theirs = FlaskInterface().get_signing_serializer(oracle(app))
    assert theirs is not None

    assert signed(app, KEPT_TYPES) == theirs.dumps(KEPT_TYPES)
    assert signed(app, {"a": 1}) == theirs.dumps({"a": 1})


def test_a_real_flask_app_and_ours_read_each_others_cookie() -> None:
    app = App()
    theirs = oracle(app)

    @theirs.get("/")
    def index() -> str:
        flask.session["seen"] = (*flask.session.get("seen", ()), "flask")
        return ""

    client = theirs.test_client()
    client.set_cookie("session", signed(app, {"seen": ("ours",)}))
    response = client.get("/")

    assert opened(app, cookie_of(response)) == {"seen": ("ours", "flask")}


@pytest.mark.parametrize("derivation", ["concat", "django-concat", "hmac", "none"])
@pytest.mark.parametrize("digest", ["sha1", "sha512"])
def test_other_derivations_and_digests_are_flasks_too(derivation: str, digest: str) -> None:
    settings = {
        "key_derivation": derivation,
        "digest_method": staticmethod(getattr(hashlib, digest)),
    }
    app = App()
    ours: Any = type("Ours", (SecureCookieSessionInterface,), settings)()
    theirs: Any = type("Theirs", (FlaskInterface,), settings)()
    text = theirs.get_signing_serializer(oracle(app)).dumps({"a": 1})

    assert ours.get_signing_serializer(app).loads(text) == {"a": 1}
    assert SecureCookieSessionInterface().get_signing_serializer(app) is not ours


# -- keys ------------------------------------------------------------------------------------------


def test_the_newest_key_signs_and_fallbacks_only_verify() -> None:
    """GHSA-4grg-w6v8-c28g (CVE-2025-47278): the order of SECRET_KEY_FALLBACKS."""
    old, new = App(SECRET_KEY="old"), App(SECRET_KEY="new")
    rotating = App(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["older", "old"])
    cookie = signed(rotating, {"a": 1})

    assert opened(rotating, signed(old, {"a": 1})) == {"a": 1}
    assert opened(new, cookie) == {"a": 1}
    assert opened(old, cookie) == {}


def test_fallbacks_mean_the_same_to_flask() -> None:
    app = App(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[b"older", "old"])
    theirs = FlaskInterface().get_signing_serializer(oracle(app))
    assert theirs is not None

    assert theirs.loads(signed(App(SECRET_KEY=b"older"), {"a": 1})) == {"a": 1}
    assert opened(app, theirs.dumps({"a": 1})) == {"a": 1}


def test_a_cookie_signed_with_a_removed_key_is_ignored() -> None:
    app = App(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"])
    cookie = signed(App(SECRET_KEY="old"), {"a": 1})
    assert opened(app, cookie) == {"a": 1}

    app.config["SECRET_KEY_FALLBACKS"] = []
    assert opened(app, cookie) == {}


def test_a_key_that_was_changed_signs_at_once() -> None:
    app = App()
    signed(app, {})
    app.secret_key = b"other"

    assert opened(App(SECRET_KEY=b"other"), signed(app, {"a": 1})) == {"a": 1}


def test_a_signature_with_another_salt_is_ignored() -> None:
    class Other(SecureCookieSessionInterface):
        salt = "other"

    app = App()
    serializer = Other().get_signing_serializer(app)
    assert serializer is not None

    assert opened(app, serializer.dumps({"a": 1})) == {}
    assert serializer.loads(serializer.dumps(1, salt="once"), salt="once") == 1
    with pytest.raises(BadSignature, match="does not match"):
        serializer.loads(serializer.dumps(1, salt="once"))


def test_the_serializer_is_kept_while_its_settings_stay() -> None:
    app, interface = App(), SecureCookieSessionInterface()
    kept = interface.get_signing_serializer(app)

    assert interface.get_signing_serializer(app) is kept
    assert interface.get_signing_serializer(App(SECRET_KEY="other")) is not kept


def test_a_serializer_that_cannot_be_hashed_is_used() -> None:
    class Reversing:
        __hash__ = None  # type: ignore[assignment]  # as of a dataclass

        def dumps(self, obj: Any) -> str:
            return repr(sorted(obj))

        def loads(self, text: str) -> Any:
            return dict.fromkeys(eval(text))

    app, interface = App(), SecureCookieSessionInterface()
    interface.serializer = Reversing()
    serializer = interface.get_signing_serializer(app)
    assert serializer is not None

    assert interface.open_session(app, request(serializer.dumps({"a": 1}))) == {"a": None}


@pytest.mark.parametrize("cookie", ["", "x", "a.b.c", "e30.ZZZZ.AAAA", "ü", ".eJw.a.b"])
def test_an_invalid_cookie_counts_as_none(cookie: str) -> None:
    assert opened(App(), cookie) == {}


def test_a_changed_cookie_counts_as_none() -> None:
    cookie = signed(App(), {"user": "bob"})

    assert opened(App(), "f" + cookie[1:]) == {}


@pytest.mark.parametrize("text", [b"not JSON", b"\xff", b"{} more"])
def test_a_signed_value_that_cannot_be_read_is_an_error(text: bytes) -> None:
    """As in itsdangerous: no other program makes such a cookie."""
    app = App()
    serializer: Any = SecureCookieSessionInterface().get_signing_serializer(app)
    cookie = serializer.make_signer().sign(b64encode(text).rstrip(b"=")).decode()

    with pytest.raises(BadPayload, match="Could not load the payload"):
        opened(app, cookie)


@pytest.mark.filterwarnings("ignore:No block_size attribute:RuntimeWarning")
def test_a_digest_of_another_kind_signs_what_itsdangerous_signs() -> None:
    class Bare:
        """The smallest interface that :mod:`hmac` accepts: no block size."""

        def __init__(self, data: bytes = b"", digest: Any = None) -> None:
            self.digest_size = 32
            self._digest = digest or hashlib.sha256(data)
            self.update, self.digest = self._digest.update, self._digest.digest

        def copy(self) -> Bare:
            return Bare(digest=self._digest.copy())

    ours: Any = SecureCookieSessionInterface()
    ours.digest_method = Bare
    app = App()
    serializer = ours.get_signing_serializer(app)
    plain = URLSafeTimedSerializer(
        "key",
        salt=ours.salt,
        serializer=ours.serializer,
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )

    assert plain.loads(serializer.dumps({"a": 1}), max_age=9) == {"a": 1}
    assert serializer.loads(plain.dumps({"a": 1}), max_age=9) == {"a": 1}


def test_a_cookie_is_valid_for_the_lifetime(monkeypatch: pytest.MonkeyPatch) -> None:
    app = App(PERMANENT_SESSION_LIFETIME=timedelta(seconds=10))
    monkeypatch.setattr("time.time", lambda: 1000)
    cookie = signed(app, {"a": 1})
    monkeypatch.setattr("time.time", lambda: 1010)
    assert opened(app, cookie) == {"a": 1}

    monkeypatch.setattr("time.time", lambda: 1011)
    assert opened(app, cookie) == {}
    serializer: Any = SecureCookieSessionInterface().get_signing_serializer(app)
    with pytest.raises(SignatureExpired, match="11 > 10"):
        serializer.loads(cookie, max_age=10)


# -- modified and accessed -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.__setitem__("b", 1),
        lambda s: s.__delitem__("a"),
        lambda s: s.pop("a"),
        lambda s: s.popitem(),
        lambda s: s.setdefault("b", 1),
        lambda s: s.update(b=1),
        lambda s: s.clear(),
        lambda s: s.__ior__({"b": 1}),
        lambda s: setattr(s, "permanent", True),
    ],
)
def test_every_change_marks_the_session_modified(change: Callable[[Any], Any]) -> None:
    session = SecureCookieSession({"a": 1})
    assert not session.modified
    change(session)

    assert session.modified


@pytest.mark.parametrize(
    "look",
    [
        lambda s: s["a"],
        lambda s: s.get("a"),
        lambda s: "a" in s,
        len,
        bool,
        list,
        lambda s: list(reversed(s)),
        dict,
        lambda s: {**s},
        lambda s: s.keys(),
        lambda s: s.values(),
        lambda s: s.items(),
        lambda s: s.copy(),
        lambda s: s == {},
        lambda s: s != {},
        lambda s: s | {},
        lambda s: {} | s,
        repr,
        lambda s: s.permanent,
        lambda s: s.setdefault("a", 1),
        lambda s: s.pop("b", None),
    ],
)
@pytest.mark.parametrize("flask_class", [AsyncFlask, FacadeFlask])
async def test_every_look_through_the_proxy_adds_vary(
    look: Callable[[Any], Any], flask_class: Any
) -> None:
    """CVE-2026-27205 (GHSA-68rp-wp8r-4726): `in`, len() and the like count too."""
    app = flask_class("app")
    app.secret_key = "key"

    @app.get("/")
    def view() -> str:
        look(asyncflask.session)
        return ""

    client = TestClient(app)
    client.set_cookie("session", signed(App(), {"a": 1}))
    response = await client.get("/")

    assert response.status_code == 200
    assert response.headers["Vary"] == "Cookie"
    assert "Set-Cookie" not in response.headers


def test_a_session_itself_does_not_note_who_reads_it() -> None:
    session, flasks = SecureCookieSession({"a": 1}), FlasksSession({"a": 1})
    for one in (session, flasks):
        assert (one["a"], "a" in one, len(one)) == (1, True, 1)

    assert session.accessed == flasks.accessed


def test_on_update_is_called_at_each_change() -> None:
    session, changed = SecureCookieSession(), []
    session.on_update = changed.append
    session["a"] = 1
    session.on_update = None
    session["b"] = 2

    assert changed == [{"a": 1, "b": 2}]
    assert not session.modified


def test_reading_returns_what_a_dict_returns() -> None:
    session = SecureCookieSession({"a": 1})

    assert (session["a"], session.get("b", 2), "a" in session, len(session)) == (1, 2, True, 1)
    assert session == {"a": 1}
    assert session | {"b": 2} == {"a": 1, "b": 2}
    assert repr(session) == "<SecureCookieSession {'a': 1}>"
    with pytest.raises(KeyError, match="missing"):
        session["missing"]


def test_a_session_that_was_not_read_does_not_change_the_response() -> None:
    app = App()

    assert "Vary" not in saved(app, opened(app, signed(app, {"a": 1}))).headers
    assert "Set-Cookie" not in saved(app, opened(app)).headers


# -- what is sent ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"SESSION_COOKIE_DOMAIN": ".example.org", "SESSION_COOKIE_PATH": "/app"},
        {"APPLICATION_ROOT": "/root", "SESSION_COOKIE_NAME": "sid"},
        {"SESSION_COOKIE_SECURE": True, "SESSION_COOKIE_PARTITIONED": True},
        {"SESSION_COOKIE_HTTPONLY": False, "SESSION_COOKIE_SAMESITE": "Lax"},
    ],
)
@pytest.mark.parametrize("content", [{"a": 1}, {"a": 1, "_permanent": True}, {}])
@pytest.mark.parametrize("response_class", [Response, OurResponse])
def test_the_cookies_options_are_flasks(
    config: dict[str, Any],
    content: dict[str, Any],
    response_class: type[Response],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also when it is deleted: with other options the browser would keep it."""
    monkeypatch.setattr("time.time", lambda: 1_700_000_000)
    app, response = App(**config), Response()
    ours, theirs = SecureCookieSession(content), flask.sessions.SecureCookieSession(content)
    ours.modified = theirs.modified = True
    FlaskInterface().save_session(oracle(app), theirs, response)
    own = response_class()
    SecureCookieSessionInterface().save_session(app, ours, own)

    assert _without_expires(own) == _without_expires(response)


def _without_expires(response: Response) -> list[str]:
    # That one depends on the time, by way of datetime.now().
    found = response.headers.getlist("Set-Cookie")
    assert len(found) == 1
    return [part for part in found[0].split("; ") if not part.startswith("Expires")]


def test_an_overridden_set_cookie_is_called() -> None:
    class Own(OurResponse):
        def set_cookie(self, key: str, value: str = "", **options: Any) -> None:  # type: ignore[override]  # fewer
            self.headers["X-Cookie"] = key
            super().set_cookie(key, value, **options)

    app, response = App(), Own()
    session = opened(app)
    session["a"] = 1
    SecureCookieSessionInterface().save_session(app, session, response)

    assert response.headers["X-Cookie"] == "session"
    assert response.headers["Set-Cookie"].startswith("session=")


def test_an_overridden_add_of_headers_is_called() -> None:
    class Own(Headers):
        def add(self, key: str, value: Any, /, **options: Any) -> None:
            super().add(f"X-{key}", value, **options)

    app, response = App(), OurResponse()
    session = opened(app)
    session["a"] = 1
    response.headers = Own(response.headers)
    SecureCookieSessionInterface().save_session(app, session, response)

    assert [name for name, _ in response.headers][-2:] == ["X-Set-Cookie", "X-Vary"]


def test_a_session_too_large_for_a_cookie_is_sent_with_a_warning() -> None:
    app, response = App(), OurResponse()
    session = opened(app)
    session["a"] = "".join(f"{number:x}" for number in range(4000))

    with pytest.warns(UserWarning, match="'session' cookie is too large"):
        SecureCookieSessionInterface().save_session(app, session, response)
    assert response.headers["Set-Cookie"].startswith("session=")


def test_a_partitioned_cookie_has_the_attribute() -> None:
    app = App(SESSION_COOKIE_PARTITIONED=True, SESSION_COOKIE_SECURE=True)
    session = opened(app)
    session["a"] = 1

    assert "; Partitioned" in saved(app, session).headers["Set-Cookie"]


@pytest.mark.parametrize(("refresh", "sent"), [(True, True), (False, False)])
def test_a_permanent_session_is_refreshed_and_varies(refresh: bool, sent: bool) -> None:
    """CVE-2023-30861 (GHSA-m2qf-hxjv-5gpq): the session was not used, but the cookie is sent."""
    app = App(SESSION_REFRESH_EACH_REQUEST=refresh)
    headers = saved(app, opened(app, signed(app, {"_permanent": True}))).headers

    assert ("Set-Cookie" in headers) is ("Vary" in headers) is sent
    assert ("; Expires=" in headers.get("Set-Cookie", "")) is sent


def test_a_permanent_session_expires_after_the_lifetime() -> None:
    app = App(PERMANENT_SESSION_LIFETIME=timedelta(hours=1))
    session = opened(app)
    before = datetime.now(UTC)
    session.permanent = True
    expires = SecureCookieSessionInterface().get_expiration_time(app, session)

    assert expires is not None
    assert before + timedelta(hours=1) <= expires <= datetime.now(UTC) + timedelta(hours=1)
    session.permanent = False
    assert SecureCookieSessionInterface().get_expiration_time(app, session) is None


@pytest.mark.parametrize("response_class", [Response, OurResponse])
def test_vary_is_added_to_the_vary_header_of_the_response(
    response_class: type[Response],
) -> None:
    app, response = App(), response_class(headers={"Vary": "Accept"})
    session = opened(app)
    session["a"] = 1
    SecureCookieSessionInterface().save_session(app, session, response)

    assert response.headers["Vary"] == "Accept, Cookie"


def test_vary_is_sent_once_with_an_unchanged_response() -> None:
    app, response = App(), OurResponse.buffered(b"hello")
    session = opened(app)
    session["a"] = 1
    SecureCookieSessionInterface().save_session(app, session, response)
    SecureCookieSessionInterface().save_session(app, session, response)

    assert response.headers.getlist("Vary") == ["Cookie"]
    assert response.headers["Content-Length"] == "5"


def test_a_session_that_became_empty_deletes_the_cookie() -> None:
    app = App()
    session = opened(app, signed(app, {"a": 1}))
    session.clear()
    headers = saved(app, session).headers

    assert "Max-Age=0" in headers["Set-Cookie"]
    assert headers["Vary"] == "Cookie"


def test_a_key_removed_during_the_request_is_an_error_not_an_unsigned_cookie() -> None:
    app = App()
    session = opened(app)
    session["a"] = 1
    app.secret_key = None

    with pytest.raises(RuntimeError, match="SECRET_KEY was removed during the request"):
        saved(app, session)


# -- without a key, and other interfaces -----------------------------------------------------------


@pytest.mark.parametrize("key", [None, "", b""])
def test_without_a_key_there_is_no_session(key: Any) -> None:
    assert SecureCookieSessionInterface().open_session(App(SECRET_KEY=key), request()) is None


@pytest.mark.parametrize(
    "write",
    [
        lambda s: s.__setitem__("a", 1),
        lambda s: s.__delitem__("a"),
        lambda s: s.pop("a"),
        lambda s: s.popitem(),
        lambda s: s.setdefault("a", 1),
        lambda s: s.update(a=1),
        lambda s: s.clear(),
        lambda s: s.__ior__({}),
        lambda s: setattr(s, "permanent", True),
    ],
)
def test_a_null_session_can_be_read_and_explains_itself_when_written_to(
    write: Callable[[Any], Any],
) -> None:
    interface = SessionInterface()
    session = interface.make_null_session(App())

    assert interface.is_null_session(session)
    assert not interface.is_null_session(SecureCookieSession())
    assert session.get("a") is None
    with pytest.raises(RuntimeError, match="session is unavailable: there is no secret key to"):
        write(session)


def test_an_interface_may_have_its_own_null_session() -> None:
    class Quiet(NullSession):
        pass

    class Interface(SessionInterface):
        null_session_class = Quiet

    assert isinstance(Interface().make_null_session(App()), Quiet)


@pytest.mark.parametrize(("name", "args"), [("open_session", 2), ("save_session", 3)])
def test_an_interface_without_a_method_is_an_error_that_names_it(name: str, args: int) -> None:
    with pytest.raises(
        NotImplementedError,
        match=rf"has no {name}\(\) of its own.*\n\nDefine it on .*: def {name}\(self, app",
    ):
        getattr(SessionInterface(), name)(*[None] * args)


def test_a_custom_session_is_a_dict_with_the_mixin() -> None:
    class Session(dict[str, Any], SessionMixin):
        pass

    session = Session()
    session.permanent = True

    assert session.permanent
    assert session.modified
    assert not session.new
    assert not session.accessed
    assert SessionInterface().should_set_cookie(App(), session)
