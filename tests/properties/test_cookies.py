"""Short ways for cookies give what Werkzeug and itsdangerous give, for any input."""

from __future__ import annotations

import hashlib
import hmac
import warnings

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.http import dump_cookie
from werkzeug.sansio.http import parse_cookie

from asyncflask import Flask, Response
from asyncflask.sessions import SecureCookieSessionInterface, _hmac, session_json_serializer
from asyncflask.wrappers.http_connection import find_cookie, parse_cookies

LATIN = st.text(st.characters(max_codepoint=255), max_size=40)
PIECES = st.lists(
    st.sampled_from(["a", "b=1", "=", ";", "; ", " ", "c=x y", '"q"', 'd="e;f"', "\\", "\t", "é"])
)


@given(st.one_of(LATIN, PIECES.map("".join)))
@example("a=1; b=2; a=3")
@example("a=b=c; d=")
@example("a=1;b=2")
@example("a=1; ")
@example("ba=1; a=2")
@example("a =1; a=2")
@example('b="; a=1"; a=2')
@example("a=1 2; a=3")
@example("b; a=1;c=2")
def test_cookies_are_parsed_as_werkzeug_does(text):
    expected = parse_cookie(text, cls=ImmutableMultiDict)

    assert list(parse_cookies(text, ImmutableMultiDict).items(multi=True)) == list(
        expected.items(multi=True)
    )
    for name in ("a", "b", "c", "d", "", "a=b", *expected):
        assert find_cookie(text, name) == expected.get(name)


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "path": st.sampled_from([None, "/", "/a b"]),
        "domain": st.sampled_from([None, "shop.example", ".shop.example:80"]),
        "secure": st.booleans(),
        "httponly": st.booleans(),
        "samesite": st.sampled_from([None, "lax", "Strict"]),
        "partitioned": st.booleans(),
        "max_age": st.sampled_from([None, 5]),
    },
)


@given(st.sampled_from(["name", "a.b-c", "ü", "a b"]), LATIN, OPTIONS)
@example("name", "a.b~c+d/e=", {})
@example("name", "x" * 5000, {})
def test_cookies_are_set_as_werkzeug_does(key, value, options):
    def ours():
        response = Response()
        response.set_cookie(key, value, **options)
        return response.headers["Set-Cookie"]

    answers = []
    for way in (ours, lambda: dump_cookie(key, value, **options)):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                header = way().split("; Expires")[0]
            except ValueError:  # A control character: in the header, and refused there.
                header = None
        answers.append((header, [str(warning.message) for warning in told]))

    if answers[0][0] is not None:
        assert answers[0] == answers[1]
    else:
        assert not answers[1][0].isprintable()


@given(
    st.sampled_from(["sha1", "sha256", "sha512", "blake2b", "sha3_256"]),
    st.binary(max_size=300),
    st.binary(),
    st.binary(),
)
def test_a_mac_with_its_key_hashed_before_is_hmacs(name, key, data, other):
    mac = _hmac(getattr(hashlib, name), key)

    assert mac(data) == hmac.digest(key, data, name)
    assert mac(other) == hmac.digest(key, other, name), "the first left something behind"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab ", max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def serializers():
    app = Flask("shop")
    app.secret_key = "new"
    app.config["SECRET_KEY_FALLBACKS"] = ["old"]
    interface = SecureCookieSessionInterface()
    ours = interface.get_signing_serializer(app)
    plain = URLSafeTimedSerializer(
        ["old", "new"],
        salt=interface.salt,
        serializer=session_json_serializer,
        signer_kwargs={"key_derivation": "hmac", "digest_method": interface.digest_method},
    )
    return ours, plain


@given(content=st.dictionaries(st.text("abc", min_size=1), JSON, max_size=4))
def test_what_one_signs_the_other_takes(serializers, content):
    ours, plain = serializers

    assert ours.loads(plain.dumps(content), max_age=60) == content
    assert plain.loads(ours.dumps(content), max_age=60) == content
    assert len(ours.dumps(content)) == len(plain.dumps(content)), "one compresses, the other not"


@given(
    at=st.integers(0, 200),
    byte=st.sampled_from(b"aZ9-_.=+/ \x00\xff"),
    cut=st.booleans(),
    text=st.sampled_from(["short", "ab" * 20]),
)
def test_a_cookie_that_was_tampered_with_is_good_to_neither_or_both(
    serializers, at, byte, cut, text
):
    cookie = bytearray(serializers[1].dumps({"user": 1, "text": text}).encode())
    cookie[at % len(cookie)] = byte
    if cut:
        del cookie[at % len(cookie) :]
    results = []
    for serializer in serializers:
        try:
            results.append(serializer.loads(bytes(cookie), max_age=60))
        except BadSignature as error:
            results.append((type(error), str(error)))

    assert results[0] == results[1]


def test_a_cookie_of_the_future_or_the_past_is_good_to_neither(serializers, monkeypatch):
    plain = serializers[1]
    cookie = plain.dumps({"user": 1})
    for seconds in (-10, 61):
        now = plain.make_signer().get_timestamp() + seconds
        monkeypatch.setattr("itsdangerous.timed.time.time", lambda now=now: now)
        errors = []
        for serializer in serializers:
            with pytest.raises(BadSignature) as caught:
                serializer.loads(cookie, max_age=60)
            errors.append(str(caught.value))
        monkeypatch.undo()

        assert errors[0] == errors[1]
