"""HTTP exceptions are rendered as Werkzeug renders them, and their pages are kept."""

from __future__ import annotations

import pytest
from werkzeug import exceptions
from werkzeug.routing import RequestRedirect
from werkzeug.sansio.response import Response as SansIOResponse
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response as WerkzeugResponse

from asyncflask.wrappers.response import error_pages
from asyncflask.wrappers.response.error_pages import from_exception
from asyncflask.wrappers.response.response import Response


def comparable(response):
    return response.status, response.status_code, response.headers.to_wsgi_list(), response.data


class Custom(exceptions.NotFound):
    def get_body(self, environ=None, scope=None):
        return f"no {environ['PATH_INFO']}"

    def get_headers(self, environ=None, scope=None):
        return [("Content-Type", "text/plain"), ("X-Path", environ["PATH_INFO"])]


ERRORS = [
    exceptions.NotFound(),
    exceptions.NotFound(),
    exceptions.NotFound("<b>no</b>\nsuch page"),
    exceptions.MethodNotAllowed(["GET", "HEAD"]),
    exceptions.InternalServerError(),
    exceptions.RequestedRangeNotSatisfiable(5),
    exceptions.BadRequestKeyError("name"),
    exceptions.TooManyRequests(retry_after=3),
    exceptions.NotFound("x" * 1000),
    RequestRedirect("http://a.test/b"),
    Custom(),
]


@pytest.mark.parametrize("error", ERRORS)
def test_exception_is_rendered_byte_for_byte_as_werkzeug(error):
    environ = EnvironBuilder("/path").get_environ()
    ours = from_exception(error, lambda: environ)

    assert comparable(ours) == comparable(error.get_response(environ))
    assert isinstance(ours, Response)


def test_exception_with_a_response_gives_it():
    response = Response("mine")

    assert from_exception(exceptions.NotFound(response=response)) is response


def test_exception_with_a_werkzeug_response_gives_it_in_our_class():
    given = WerkzeugResponse("theirs", 410)
    made = from_exception(exceptions.HTTPException(response=given))

    assert isinstance(made, Response)
    assert comparable(made)[:2] == ("410 GONE", 410)


def test_exception_with_a_sansio_response_gives_its_status_and_headers():
    made = from_exception(exceptions.HTTPException(response=SansIOResponse(410, {"X-A": "1"})))

    assert (made.status_code, made.headers["X-A"], made.get_data()) == (410, "1", b"")


def test_an_exception_with_its_own_code_is_rendered():
    class Enhance(exceptions.HTTPException):
        code = 599
        description = "calm"

    assert from_exception(Enhance()).get_data() == Enhance().get_response().get_data()


def test_exception_gives_the_class_asked_for():
    class Mine(Response):
        pass

    for error in (exceptions.NotFound(), RequestRedirect("http://a.test/")):
        assert type(from_exception(error, response_class=Mine)) is Mine


def test_description_that_changes_is_not_kept():
    """A lazily translated description is rendered for each request."""

    class Lazy(str):
        calls = 0

        def __str__(self):
            Lazy.calls += 1
            return f"call {Lazy.calls}"

        __hash__ = str.__hash__

    before = len(error_pages._pages)
    from_exception(exceptions.Gone(Lazy("x")))

    assert len(error_pages._pages) == before


def test_kept_pages_are_bounded():
    for n in range(600):
        from_exception(exceptions.NotFound(f"no {n}"))

    assert 0 < len(error_pages._pages) <= 256
