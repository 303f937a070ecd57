"""Cookies are signed and checked as itsdangerous does, for any content and any change to them."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import BadSignature, TimestampSigner, URLSafeTimedSerializer

from asyncflask import Flask
from asyncflask._fast.signing import prepare_hmac
from asyncflask.sessions import SecureCookieSessionInterface, session_json_serializer


@given(
    st.sampled_from(["sha1", "sha256", "sha512", "blake2b", "sha3_256"]),
    st.binary(max_size=300),
    st.binary(),
    st.binary(),
)
def test_a_mac_with_its_key_hashed_before_is_hmacs(name, key, data, other):
    mac = prepare_hmac(getattr(hashlib, name), key)

    assert mac(data) == hmac.digest(key, data, name)
    assert mac(other) == hmac.digest(key, other, name), "the first left something behind"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab ~?>", max_size=30),
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
def test_each_reads_what_the_other_signs(serializers, content):
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
def test_a_changed_cookie_is_invalid_for_both_or_valid_for_both(serializers, at, byte, cut, text):
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


def test_an_expired_cookie_or_one_of_the_future_is_invalid_for_both(serializers, monkeypatch):
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


def test_a_clock_that_is_stopped_after_the_first_cookie_is_used(serializers, monkeypatch):
    ours, theirs = serializers
    ours.dumps({"n": 1})
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: 1_800_000_000)

    assert ours.dumps({"n": 1}) == theirs.dumps({"n": 1})
    assert theirs.loads(ours.dumps({"n": 1}), return_timestamp=True)[1].timestamp() == 1_800_000_000


def test_a_clock_that_was_stopped_when_the_signer_was_made_runs_again(monkeypatch):
    """Signers are kept: a cookie with the stopped time is too old where the keys have changed."""
    app = Flask("shop")
    app.secret_key = "of a signer that is made now"
    sessions = SecureCookieSessionInterface()
    with monkeypatch.context() as stopped:
        stopped.setattr(TimestampSigner, "get_timestamp", lambda self: 1_000_000_000)
        sessions.get_signing_serializer(app).dumps({"n": 1})
    cookie = sessions.get_signing_serializer(app).dumps({"n": 1})
    app.config["SECRET_KEY_FALLBACKS"] = [app.secret_key]
    app.secret_key = "another"

    assert sessions.get_signing_serializer(app).loads(cookie, max_age=60) == {"n": 1}
