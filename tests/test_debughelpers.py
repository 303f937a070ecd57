"""Errors that explain themselves in debug mode."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import NotFound
from werkzeug.routing import RequestRedirect
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from asyncflask.debughelpers import (
    DebugFilesKeyError,
    FormDataRoutingRedirect,
    UnexpectedUnicodeError,
    attach_enctype_error_multidict,
    raise_redirect_that_loses_the_body,
)


def redirected(method: str, to: str, code: int) -> Any:
    request: Any = Request(EnvironBuilder("/user", method=method).get_environ())
    error = RequestRedirect(to)
    error.code = code
    request.routing_exception = error
    return SimpleNamespace(request=request, routing_exception=error)


def test_a_redirect_that_would_drop_the_form_is_explained() -> None:
    with pytest.raises(
        FormDataRoutingRedirect,
        match=r"POST 'http://localhost/user' .*canonical URL 'http://localhost/user/\?a=b' with"
        r" status 301(.|\n)*ends with a slash(.|\n)*Send the form",
    ):
        raise_redirect_that_loses_the_body(redirected("POST", "http://localhost/user/?a=b", 301))


def test_the_slash_is_mentioned_only_where_it_is_the_reason() -> None:
    with pytest.raises(AssertionError, match="canonical URL 'http://localhost/me'") as caught:
        raise_redirect_that_loses_the_body(redirected("PUT", "http://localhost/me", 302))
    assert "slash" not in str(caught.value)


@pytest.mark.parametrize(
    ("method", "code"), [("GET", 301), ("HEAD", 302), ("OPTIONS", 301), ("POST", 307), ("PUT", 308)]
)
def test_a_redirect_that_loses_nothing_is_left_alone(method: str, code: int) -> None:
    assert raise_redirect_that_loses_the_body(redirected(method, "http://localhost/", code)) is None


@pytest.mark.parametrize("error", [NotFound(), None])
def test_other_routing_errors_are_left_alone(error: Any) -> None:
    ctx: Any = SimpleNamespace(request=None, routing_exception=error)

    assert raise_redirect_that_loses_the_body(ctx) is None


def test_a_websocket_has_no_form_to_lose() -> None:
    ctx = redirected("GET", "http://localhost/", 301)
    ctx.request = None

    assert raise_redirect_that_loses_the_body(ctx) is None


def form_request(**form: str) -> Any:
    return SimpleNamespace(
        form=ImmutableMultiDict(form),
        files=ImmutableMultiDict(),
        mimetype="application/x-www-form-urlencoded",
    )


def test_a_file_that_was_sent_as_text_is_explained() -> None:
    request = form_request(photo="index.txt")
    attach_enctype_error_multidict(request)

    with pytest.raises(
        DebugFilesKeyError,
        match=r"request\.files\['photo'\].*no file contents were transmitted(.|\n)*enctype=(.|\n)*"
        r"This was submitted: 'index\.txt'",
    ):
        request.files["photo"]


def test_a_file_that_was_not_sent_at_all_is_an_ordinary_missing_key() -> None:
    request = form_request(other="x")
    attach_enctype_error_multidict(request)

    with pytest.raises(KeyError, match="400 Bad Request") as caught:
        request.files["photo"]
    assert not isinstance(caught.value, DebugFilesKeyError)


def test_files_behave_otherwise_as_before() -> None:
    request = form_request(photo="index.txt")
    request.files = ImmutableMultiDict({"doc": "file"})
    attach_enctype_error_multidict(request)

    assert request.files["doc"] == "file"
    assert request.files.get("photo") is None
    assert type(request.files).__name__ == "ImmutableMultiDict"


def test_no_names_are_shown_where_none_were_sent() -> None:
    assert "submitted" not in str(DebugFilesKeyError(form_request(), "photo"))


def test_unexpected_text_is_an_assertion_and_a_unicode_error() -> None:
    assert issubclass(UnexpectedUnicodeError, AssertionError)
    assert issubclass(UnexpectedUnicodeError, UnicodeError)
