"""Each exception is also of the class that Flask or Python would have raised."""

from __future__ import annotations

import pickle

import pytest
from werkzeug.exceptions import ServiceUnavailable

from asyncflask import exceptions
from asyncflask.exceptions import WebsocketDisconnect, explain_missing_attributes

CLASSES = {
    exceptions.SetupFinished: AssertionError,
    exceptions.OutOfContext: RuntimeError,
    exceptions.WrongContextPopped: AssertionError,
    exceptions.UnawaitedAccess: TypeError,
    exceptions.WorkerQueueFull: ServiceUnavailable,
    WebsocketDisconnect: Exception,
}


def test_every_exception_is_tested_here():
    defined = {
        value
        for value in vars(exceptions).values()
        if isinstance(value, type)
        and issubclass(value, BaseException)
        and value.__module__ == exceptions.__name__
    }

    assert defined == set(CLASSES)


@pytest.mark.parametrize(("cls", "base"), CLASSES.items())
def test_except_with_flasks_class_catches_ours(cls, base):
    with pytest.raises(base, match=r".*"):
        raise cls()


def test_a_full_queue_is_a_503_that_says_when_to_try_again():
    headers = [dict(exceptions.WorkerQueueFull().get_headers()) for _ in range(50)]
    seconds = {int(each["Retry-After"]) for each in headers}

    assert exceptions.WorkerQueueFull().code == 503
    assert seconds <= set(range(2, 11))
    assert len(seconds) > 1, "All clients would come back at the same moment."
    assert exceptions.WorkerQueueFull(retry_after=60).retry_after == 60


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (WebsocketDisconnect(), "Websocket closed with code 1005"),
        (WebsocketDisconnect(1000), "Websocket closed with code 1000"),
        (WebsocketDisconnect(4000, "bye"), "Websocket closed with code 4000: bye"),
    ],
)
def test_a_disconnect_shows_code_and_reason(error, text):
    copy = pickle.loads(pickle.dumps(error))

    assert str(error) == str(copy) == text
    assert (copy.code, copy.reason) == (error.code, error.reason)


# -- attributes that do not exist ------------------------------------------------------------------


class Shop:
    """An exception that replaces one of another class."""


explain_missing_attributes(Shop, {"vend": "Write `shop.sell()`."})


def test_the_error_names_the_remedy():
    """The message has Python's own sentence and what to write instead."""
    with pytest.raises(AttributeError, match=r"'Shop' object has no attribute 'vend'\. Write") as e:
        Shop().vend  # type: ignore[attr-defined]
    assert (e.value.name, type(e.value.obj)) == ("vend", Shop)


def test_the_attribute_does_not_exist_for_hasattr_and_getattr():
    assert not hasattr(Shop, "vend")
    assert getattr(Shop(), "vend", None) is None


def test_an_instance_and_a_subclass_may_have_it():
    class Own(Shop):
        def vend(self):
            return "subclass"

    shop = Shop()
    shop.vend = "instance"

    assert (shop.vend, Own().vend()) == ("instance", "subclass")


def test_a_subclass_is_named_in_the_error():
    class Kiosk(Shop):
        pass

    with pytest.raises(AttributeError, match="'Kiosk' object has no attribute 'vend'"):
        Kiosk().vend  # type: ignore[attr-defined]
