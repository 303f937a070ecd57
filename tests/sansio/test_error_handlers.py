"""The decorator of error handlers, on an app and on a blueprint."""

from __future__ import annotations

import flask
import pytest
from werkzeug.exceptions import HTTPException, NotFound


class Custom(HTTPException):
    code = 499


@pytest.mark.parametrize(
    ("key", "code", "cls"),
    [
        (404, 404, NotFound),
        (NotFound, 404, NotFound),
        (Custom, 499, Custom),
        (HTTPException, None, HTTPException),
        (KeyError, None, KeyError),
    ],
)
@pytest.mark.parametrize("way", ["decorator", "function"])
def test_a_handler_is_kept_by_code_and_class(scaffold, key, code, cls, way):
    def handler(error):
        return ""

    if way == "decorator":
        assert scaffold.errorhandler(key)(handler) is handler
    else:
        scaffold.register_error_handler(key, handler)

    assert scaffold.error_handler_spec[None][code][cls] is handler


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (999, r"^999 is not the code of an HTTP error that can be handled\. Use a code of 4xx or"),
        (200, r"^200 is not the code"),
        (
            KeyError("k"),
            r"^KeyError\('k'\) is an instance, not a class\. Register its class, Key",
        ),
        (NotFound(), r"^<NotFound '404: Not Found'> is an instance, not a class\."),
        (str, r"^'str' is not a subclass of Exception\. Register an exception class or a status"),
        (BaseException, r"^'BaseException' is not a subclass of Exception\."),
    ],
)
def test_an_invalid_argument_of_errorhandler_raises_flasks_exception(scaffold, key, message):
    with pytest.raises((TypeError, ValueError), match=message) as ours:
        scaffold.register_error_handler(key, lambda error: "")
    with pytest.raises((TypeError, ValueError), match=r"\.$") as theirs:
        flask.Flask("shop").register_error_handler(key, lambda error: "")

    assert ours.type is theirs.type


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("404", r"^'404' is neither an exception class nor a status code\..* such as 404\.$"),
        (b"410", r"^b'410' is neither .* such as 410\.$"),
        ("NotFound", r"^'NotFound' is neither .* such as 404\.$"),
        (None, r"^None is neither"),
        (404.0, r"^404\.0 is neither"),
        ([404], r"^\[404\] is neither"),
        (object(), r"^<object object at .*> is neither"),
    ],
)
def test_an_argument_of_errorhandler_that_is_no_class_is_refused_too(scaffold, key, message):
    """Flask ends with Python's own TypeError about issubclass there."""
    with pytest.raises(TypeError, match=message):
        scaffold.register_error_handler(key, lambda error: "")
