"""Wrong values of settings: each is named, with what to write instead, before it fails later."""

from __future__ import annotations

from datetime import timedelta

import pytest

import asyncflask.flask
from asyncflask import Flask
from asyncflask.config import DEFAULT_CONFIG, find_wrong
from asyncflask.config.checks import CHECKS
from asyncflask.quart import Quart

WRONG = [
    ("MAX_CONTENT_LENGTH", "16M", r"is '16M'\. Write a number from 0 on, such as 16777216 \(byt"),
    ("MAX_FORM_PARTS", -1, r"is -1\. Write a number from 0 on, such as 1000; None: no limit\."),
    ("BODY_TIMEOUT", True, r"is True\. Write a number"),
    ("WORKER_POOL_SIZE", 0, r"is 0\. Write a number from 1 on"),
    ("PERMANENT_SESSION_LIFETIME", None, r"is None\. Write a number or a timedelta from 0 on"),
    ("SESSION_COOKIE_SECURE", "false", r"is 'false'\. Text counts as true, .* Write a bool"),
    ("SESSION_COOKIE_SAMESITE", "Loose", r"is 'Loose'\. Write 'Lax'"),
    ("SESSION_COOKIE_NAME", "", r"is ''\. Write a cookie's name"),
    ("SECRET_KEY", 5, r"is of type 'int'\. Write text or bytes\."),
    ("SECRET_KEY_FALLBACKS", "former", r"is of type 'str'\. Write a list of keys; in a variable"),
    (
        "SERVER_NAME",
        "https://shop.example",
        r"is 'https://shop.example'\. Write a host, with a port if it has one",
    ),
    (
        "SERVER_NAME",
        "shop.example:http",
        r"is 'shop.example:http'\. Write a host, with a port if it has one",
    ),
    ("TRUSTED_HOSTS", [5], r"is \[5\]\. Write a list of hosts; in a variable"),
    ("PREFERRED_URL_SCHEME", "https://", r"is 'https://'\. Write 'http' or 'https'\."),
]
RIGHT = [
    ("MAX_CONTENT_LENGTH", 16e6),
    ("MAX_CONTENT_LENGTH", None),
    ("PERMANENT_SESSION_LIFETIME", timedelta(days=1)),
    ("SESSION_COOKIE_SAMESITE", "lax"),
    ("SESSION_COOKIE_SECURE", 1),
    ("SESSION_COOKIE_SECURE", "yes"),
    ("SECRET_KEY", b"secret"),
    ("SECRET_KEY_FALLBACKS", ["former", b"first"]),
    ("SECRET_KEY_FALLBACKS", ("former",)),
    ("WORKER_THREADS", None),
    ("SERVER_NAME", "shop.example:8000"),
    ("SERVER_NAME", "[::1]:8000"),
    ("TRUSTED_HOSTS", "shop.example"),
]


@pytest.mark.parametrize(("key", "value", "text"), WRONG)
async def test_a_wrong_setting_ends_the_startup(key, value, text):
    app = Flask("shop")
    app.config[key] = value

    with pytest.raises(ValueError, match=rf"config\['{key}'\] {text}"):
        await app.startup()


@pytest.mark.parametrize(("key", "value"), RIGHT)
async def test_other_values_that_mean_something_are_accepted(key, value):
    app = Flask("shop")
    app.config[key] = value
    await app.startup()
    assert app.has_started
    await app.shutdown()


async def test_all_wrong_settings_are_named_at_once(monkeypatch):
    monkeypatch.setenv("FLASK_MAX_CONTENT_LENGTH", "16M")
    monkeypatch.setenv("FLASK_BODY_TIMEOUT", "5s")
    app = Flask("shop")
    app.config.from_prefixed_env()

    with pytest.raises(ValueError, match=r"MAX_CONTENT_LENGTH.*BODY_TIMEOUT"):
        await app.startup()


async def test_a_wrong_setting_of_an_app_without_startup_is_in_the_log_once(caplog):
    app = Flask("shop")
    app.config["MAX_CONTENT_LENGTH"] = "16M"
    for _ in range(2):
        await app.test_client().get("/")

    assert caplog.text.count("config['MAX_CONTENT_LENGTH'] is '16M'. Write a number") == 1


@pytest.mark.parametrize("cls", [asyncflask.flask.Flask, Quart])
async def test_an_app_of_a_facade_starts_as_it_did_before(cls):
    app = cls("shop")
    app.config["MAX_CONTENT_LENGTH"] = "16M"
    await app.startup()
    assert app.has_started
    await app.shutdown()


def test_a_secret_is_not_shown():
    (fault,) = find_wrong({"SECRET_KEY_FALLBACKS": "do not tell"})

    assert "tell" not in fault


def test_the_defaults_are_right():
    assert list(find_wrong({**DEFAULT_CONFIG, "DEBUG": False})) == []
    assert CHECKS.keys() <= DEFAULT_CONFIG.keys()
