"""A request that made a stream with its context ends with its response, whatever becomes of it."""

from __future__ import annotations

import gc

import pytest
from werkzeug.test import create_environ

from asyncflask.flask import Response, abort, make_response, stream_with_context


@pytest.fixture(params=["wsgi", "asgi"])
def client(app, request, monkeypatch):
    monkeypatch.setenv("ASYNCFLASK_TEST_TRANSPORT", request.param)
    return app.test_client()


@pytest.fixture
def ended(app):
    """The errors that teardown functions got, those of the request and of the app context."""
    seen = []
    app.teardown_request(seen.append)
    app.teardown_appcontext(seen.append)
    return seen


def stream():
    return stream_with_context(word for word in ["a", "b"])


@pytest.mark.parametrize("kept", [False, True])
def test_a_request_whose_stream_is_not_the_response_ends(app, client, ended, kept):
    streams = []

    @app.get("/")
    def view():
        made = stream()
        if kept:
            streams.append(made)
        return "other"

    assert client.get("/").text == "other"
    assert ended == [None, None]


def test_a_request_that_fails_after_it_made_a_stream_ends_with_the_error(app, client, ended):
    app.testing = False
    failure = ValueError("after the stream")

    @app.get("/")
    def view():
        kept = stream()
        assert kept
        raise failure

    assert client.get("/").status_code == 500
    assert ended == [failure, failure]


def test_a_request_that_raises_to_the_server_after_it_made_a_stream_ends(app, client, ended):
    failure = ValueError("after the stream")

    @app.get("/")
    def view():
        kept = stream()
        assert kept
        raise failure

    with pytest.raises(ValueError, match="after the stream"):
        client.get("/")
    assert ended == [failure, failure]


def test_a_request_that_is_aborted_after_it_made_a_stream_ends(app, client, ended):
    @app.get("/")
    def view():
        kept = stream()
        assert kept
        abort(400)

    assert client.get("/").status_code == 400
    assert ended == [None, None]


def test_a_request_whose_streamed_response_is_replaced_ends(app, client, ended):
    app.get("/")(lambda: Response(stream()))
    app.after_request(lambda response: make_response("replaced"))

    assert client.get("/").text == "replaced"
    assert ended == [None, None]


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_a_request_whose_stream_is_not_sent_ends(app, client, ended, method, status):
    app.get("/")(lambda: Response(stream(), status=status))

    assert client.open("/", method=method).data == b""
    assert ended == [None, None]


def test_a_body_that_is_dropped_unread_ends_its_request(app, ended):
    app.get("/")(lambda: Response(stream()))
    app(create_environ("/"), lambda status, headers: None)
    gc.collect()

    assert ended == [None, None]


def test_a_request_ends_once_if_its_body_is_read_to_the_end_and_closed(app, ended):
    app.get("/")(lambda: Response(stream()))
    body = app(create_environ("/"), lambda status, headers: None)

    assert b"".join(body) == b"ab"
    assert ended == [None, None]

    body.close()

    assert ended == [None, None]


def test_a_request_with_two_streams_ends_after_the_second(app, client, ended):
    @app.get("/")
    def view():
        first, second = stream(), stream()

        def both():
            yield from first
            assert ended == []
            yield from second

        return Response(both())

    assert client.get("/").text == "abab"
    assert ended == [None, None]


def test_a_stream_that_cannot_begin_does_not_hold_the_request(app, client, ended):
    class Broken:
        def __iter__(self):
            raise ValueError("no rows")

    @app.get("/")
    def view():
        with pytest.raises(ValueError, match="no rows"):
            stream_with_context(Broken())
        return "ok"

    assert client.get("/").text == "ok"
    assert ended == [None, None]
