"""Header names with capitals are lowered everywhere, and reported once in debug mode."""

from __future__ import annotations

import logging

import pytest

from asyncflask import Flask
from asyncflask.protocol.header_names import reporting_app, with_lower_names
from asyncflask.testing import WireClient

CAPITALS = [(b"Content-Type", b"text/html"), (b"X-Frame-Options", b"DENY")]


def foreign_app(headers=CAPITALS):
    """Return an ASGI app that spells header names as Django's handler does."""

    async def like_django(scope, receive, send):
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept", "headers": headers})
            await send({"type": "websocket.close"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"hello"})

    return like_django


def reports(caplog):
    return [record.getMessage() for record in caplog.records if "ASGI requires" in record.msg]


# -- they are answered -----------------------------------------------------------------------------


async def test_a_mounted_app_may_spell_headers_with_capitals():
    app = Flask(__name__)
    app.mount("/django", foreign_app())

    response = await app.test_client().get("/django/")

    assert (response.status_code, response.text) == (200, "hello")
    assert response.headers["X-Frame-Options"] == "DENY"


async def test_middleware_around_a_mount_sees_lower_case():
    app = Flask(__name__)
    app.mount("/django", foreign_app())
    seen, inner = [], app.asgi_app

    async def middleware(scope, receive, send):
        async def note(message):
            seen.extend(name for name, _ in message.get("headers", ()))
            await send(message)

        await inner(scope, receive, note)

    app.asgi_app = middleware
    await app.test_client().get("/django/")

    assert seen == [b"content-type", b"x-frame-options"]


async def test_a_mounted_websocket_may_accept_with_capitals():
    app = Flask(__name__)
    app.mount("/django", foreign_app())

    async with app.test_client().websocket("/django/") as websocket:
        assert websocket.response_headers["x-frame-options"] == "DENY"


async def test_the_embedded_server_writes_lower_case():
    async with WireClient(foreign_app()) as wire:
        await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = await wire.receive()

    assert answer.startswith(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nx-frame-options: DENY")


async def test_a_length_with_capitals_frames_the_body():
    app = foreign_app([(b"Content-Length", b"5")])
    async with WireClient(app) as wire:
        await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = await wire.receive()

    assert answer.count(b"ength: 5") == 1
    assert b"chunked" not in answer
    assert answer.endswith(b"\r\n\r\nhello")


async def test_trailers_with_capitals_are_written_in_lower_case():
    async def app(scope, receive, send):
        start = {"type": "http.response.start", "status": 200, "headers": [], "trailers": True}
        await send(start)
        await send({"type": "http.response.body", "body": b"a"})
        await send({"type": "http.response.trailers", "headers": [(b"X-Sum", b"1")]})

    async with WireClient(app) as wire:
        await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = await wire.receive()

    assert answer.endswith(b"0\r\nx-sum: 1\r\n\r\n")


async def test_an_app_that_reuses_its_headers_is_answered_each_time():
    app = Flask(__name__)
    app.asgi_app = foreign_app()
    client = app.test_client()

    answers = [await client.get("/") for _ in range(3)]

    assert [answer.headers["content-type"] for answer in answers] == ["text/html"] * 3
    assert CAPITALS[0][0] == b"Content-Type"


@pytest.mark.parametrize("headers", [[("Content-Type", "text/html")], [("a", b"b")], 1, [1]])
async def test_names_that_are_no_bytes_are_still_refused(headers):
    app = Flask(__name__)
    app.debug = True
    app.mount("/other", foreign_app(headers))

    with pytest.raises(RuntimeError, match="an iterable of pairs of bytes, such as"):
        await app.test_client().get("/other/")


# -- they are reported -----------------------------------------------------------------------------


async def test_debug_mode_reports_each_name_of_a_mounted_app_once(caplog):
    app = Flask("shop")
    app.debug = True
    app.mount("/django", foreign_app())
    client = app.test_client()
    for _ in range(3):
        await client.get("/django/")

    first, second = reports(caplog)
    assert "like_django" in first
    assert "a response header named b'Content-Type'" in first
    assert "b'content-type' was sent instead" in first
    assert "b'X-Frame-Options'" in second
    assert {record.name for record in caplog.records if "ASGI" in record.msg} == {"shop"}


async def test_without_debug_mode_nothing_is_reported(caplog):
    app = Flask(__name__)
    app.mount("/django", foreign_app())
    await app.test_client().get("/django/")

    assert reports(caplog) == []


async def test_two_apps_are_reported_each(caplog):
    app = Flask(__name__)
    app.debug = True
    app.mount("/a", foreign_app([(b"X-A", b"")]))
    app.mount("/b", foreign_app([(b"X-A", b"")]))
    for path in ("/a/", "/b/"):
        await app.test_client().get(path)

    assert len(reports(caplog)) == 2


async def test_an_app_that_is_served_directly_is_reported(caplog, monkeypatch):
    monkeypatch.setenv("FLASK_DEBUG", "1")
    app = foreign_app()
    for _ in range(2):
        async with WireClient(app) as wire:
            await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            await wire.receive()

    assert len(reports(caplog)) == 2
    assert {record.name for record in caplog.records} >= {"asyncflask.asgi"}


async def test_middleware_of_an_app_in_debug_mode_is_reported(caplog):
    app = Flask(__name__)
    app.debug = True
    app.asgi_app = foreign_app([(b"X-A", b"")])
    for _ in range(2):
        await app.test_client().get("/")

    (report,) = reports(caplog)
    assert "b'X-A'" in report


async def test_our_own_responses_are_never_reported(caplog):
    app = Flask(__name__)
    app.debug = True
    app.get("/")(lambda: ("hello", {"X-Own": "1", "Content-Type": "text/plain"}))
    response = await app.test_client().get("/")

    assert response.headers["x-own"] == "1"
    assert reports(caplog) == []


def test_outside_of_debug_mode_the_server_calls_the_app_itself():
    app = foreign_app()

    assert reporting_app(app) is app


async def test_an_app_without_weak_references_is_reported(caplog):
    class Slotted:
        __slots__ = ()

        async def __call__(self, scope, receive, send):
            await send({"type": "http.response.start", "headers": iter(CAPITALS)})

    app = Slotted()
    sent = []

    async def send(message):
        sent.append(message)

    await app({}, None, with_lower_names(send, app, logging.getLogger("here").warning))

    assert [name for name, _ in sent[0]["headers"]] == [b"content-type", b"x-frame-options"]
    assert len(reports(caplog)) == 2
