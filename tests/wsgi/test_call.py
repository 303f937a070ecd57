"""A WSGI callable that a view returned becomes a response."""

from __future__ import annotations

import sys
import threading

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response as WerkzeugResponse

from asyncflask.wrappers.response.bodies import in_thread
from asyncflask.wrappers.response.response import Response
from asyncflask.wsgi.call import response_of


async def called(app, path="/"):
    return await response_of(app, EnvironBuilder(path).get_environ, in_thread)


def answering(body, headers=(("Content-Type", "text/x"),)):
    def app(environ, start_response):
        start_response("201 CREATED", list(headers))
        return body

    return app


async def test_application_gets_the_environ_and_runs_off_the_loop():
    seen = []

    def app(environ, start_response):
        seen.append((environ["PATH_INFO"], threading.get_ident()))
        start_response("200 OK", [])
        return []

    await called(app, "/x")

    assert seen[0][0] == "/x"
    assert seen[0][1] != threading.get_ident()


async def test_status_headers_and_body_are_those_of_the_application():
    response = await called(answering([b"a", b"b"], [("X-A", "1"), ("Content-Type", "a/b")]))

    assert response.status == "201 CREATED"
    assert response.headers.to_wsgi_list() == [("X-A", "1"), ("Content-Type", "a/b")]
    assert response.get_data() == b"ab"


async def test_missing_content_type_is_werkzeugs():
    response = await called(answering([b"a"], []))

    assert response.content_type == "text/plain; charset=utf-8"


async def test_generator_is_streamed_not_buffered():
    made = []

    def body():
        for letter in (b"a", b"b", b"c"):
            made.append(letter)
            yield letter

    response = await called(answering(body()))

    assert made == []
    assert await response.read() == b"abc"


async def test_application_that_is_a_generator_may_start_late():
    def app(environ, start_response):
        yield b""
        write = start_response("200 OK", [])
        write(b"written")
        yield b"given"

    response = await called(app)

    assert await response.read() == b"writtengiven"


async def test_bytes_of_write_are_sent_before_the_returned_ones():
    def app(environ, start_response):
        start_response("200 OK", [])(b"written")
        return [b"given"]

    assert await (await called(app)).read() == b"writtengiven"


async def test_bytes_written_by_the_last_step_are_not_lost():
    def app(environ, start_response):
        write = start_response("200 OK", [])
        yield b"given"
        write(b"written")

    assert await (await called(app)).read() == b"givenwritten"


async def test_close_of_the_applications_iterable_is_called():
    class Body:
        closed = False

        def __iter__(self):
            return iter([b"a"])

        def close(self):
            self.closed = True

    body = Body()
    response = await called(answering(body))
    await response.aclose()

    assert body.closed


async def test_application_that_never_starts_is_an_error():
    with pytest.raises(RuntimeError, match="without calling start_response"):
        await called(lambda environ, start_response: [b"x"])


async def test_error_of_the_application_is_raised():
    def app(environ, start_response):
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        await called(app)


async def test_restart_with_exc_info_is_allowed_only_before_the_start_is_sent():
    def app(environ, start_response):
        start_response("200 OK", [])
        try:
            raise LookupError("late")
        except LookupError:
            start_response("500 BROKEN", [], sys.exc_info())
        yield b"a"
        try:
            raise LookupError("too late")
        except LookupError:
            start_response("500 BROKEN", [], sys.exc_info())

    response = await called(app)

    assert response.status == "500 BROKEN"
    with pytest.raises(LookupError, match="too late"):
        await response.read()


async def test_werkzeug_response_is_not_run_but_becomes_ours():
    given = WerkzeugResponse("x", 404, {"X-A": "1"})
    response = await called(given)

    assert isinstance(response, Response)
    assert (response.status_code, response.headers["X-A"]) == (404, "1")
    assert response.get_data() == b"x"


async def test_a_response_of_asyncflask_is_returned_unchanged():
    response = Response("x")

    assert await called(response) is response
