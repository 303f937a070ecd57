"""The exceptions that asyncflask itself raises, and attributes that raise with a remedy.

HTTP errors (404, 413 …) are Werkzeug's and are not repeated here. The docstring of a class says
when it is raised; the texts are written where the exception is raised, because only there the
offending value is known.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from datetime import datetime
from typing import NoReturn

from werkzeug.exceptions import ServiceUnavailable
from werkzeug.sansio.response import Response as SansIOResponse


class SetupFinished(AssertionError):
    """Setup was changed after the app began to serve.

    Raised by every registering method (``route``, ``before_request`` …) of an app or blueprint.
    Flask raises a plain :class:`AssertionError` there, of which this is one.
    """


class OutOfContext(RuntimeError):
    """A proxy (``request``, ``g`` …) or function that needs a context was used outside of one.

    Flask raises a plain :class:`RuntimeError` there, of which this is one.
    """


class WrongContextPopped(RuntimeError, AssertionError):
    """A context was popped that is not the current one.

    Flask raises a plain :class:`AssertionError` there, of which this is one.
    """


_HINTS = {
    "application": "app.app_context()",
    "request": "app.test_request_context(...)",
    "websocket": "app.test_websocket_context(...)",
}


#: begins with the sound of a vowel: not `User`, `UUID` or `UnionType`
_VOWEL = re.compile("(?!eu|one|uni)([aeio]|u[lmnp])", re.IGNORECASE)


def with_article(name: str) -> str:
    """Return a name after its article: ``an int``, ``a User``.

    Args:
        name: The name, such as that of a class.
    """
    return f"an {name}" if _VOWEL.match(name) else f"a {name}"


def outside(name: str, kind: str) -> OutOfContext:
    """Make the error for a proxy that was used outside of its context.

    Args:
        name: The proxy.
        kind: ``"application"``, ``"request"`` or ``"websocket"``.
    """
    streamed = " The generator of a streamed response: `stream_with_context(generator())`."
    # COMPAT: tests of apps match the beginning, up to the colon, which is Flask's.
    return OutOfContext(
        f"Working outside of {kind} context: `{name}` was used where no {kind} is active. Use"
        f" it in views, hooks and functions that they call, or write `with {_HINTS[kind]}:` around"
        f" the use (`async with {_HINTS[kind]}:` in a coroutine)."
        + ("" if kind == "websocket" else streamed)
    )


#: what a proxy's name stands for
_KINDS = {"request": "an HTTP request", "websocket": "a websocket"}


def popped_wrongly(popped: object, current: object) -> WrongContextPopped:
    """Make the error for a context that is not the current one.

    Args:
        popped: The context.
        current: The current one; ``None`` if there is none.
    """
    return WrongContextPopped(
        f"Popped {popped!r}, but the current context is {current!r}. Pop contexts in the reverse"
        " order of pushing them; `with` does."
    )


def of_the_other_kind(name: str, instead: str) -> OutOfContext:
    """Make the error for ``websocket`` in a request, and for ``request`` in a websocket.

    Args:
        name: The proxy that was used.
        instead: The proxy that exists here.
    """
    decorators = {"request": "@app.route(...)", "websocket": "@app.websocket(...)"}
    return OutOfContext(
        f"Working outside of {name} context: `{name}` was used, and this is {_KINDS[instead]}.\n\n"
        f"    `{instead}` is its name here: {instead}.headers, {instead}.args, {instead}.path …\n"
        f"    A view that serves {_KINDS[name]} is registered with {decorators[name]}."
    )


def called_in_the_other_kind(function: str, name: str, instead: str) -> OutOfContext:
    """Make the error for ``after_this_websocket()`` in a request, and the like.

    Args:
        function: The function that was called. Its name has ``name`` in it.
        name: What it is for: ``request`` or ``websocket``.
        instead: What is served here.
    """
    return OutOfContext(
        f"Working outside of {name} context: `{function}` was called, and this is"
        f" {_KINDS[instead]}.\n\n"
        f"    wrong: {function}(...)\n"
        f"    right: {function.replace(name, instead)}(...)"
    )


class UnawaitedAccess(TypeError):
    """An awaitable (``request.form``, ``request.get_json()`` …) was used without ``await``."""


#: Seconds after which a client that got a 503 tries again: not all at the same moment.
RETRY_AFTER = (2, 10)


class WorkerQueueFull(ServiceUnavailable):
    """All worker threads are busy and ``WORKER_QUEUE_SIZE`` requests are waiting for one (503).

    Args:
        description: The text of the response.
        response: Sent instead of one with the description.
        retry_after: Seconds, or a time; by default a random number of seconds.

    Source: :rfc:`9110` §10.2.3 Retry-After.
    """

    def __init__(
        self,
        description: str | None = None,
        response: SansIOResponse | None = None,
        retry_after: datetime | int | None = None,
    ) -> None:
        super().__init__(description, response, retry_after or random.randint(*RETRY_AFTER))


class WebsocketDisconnect(Exception):
    """The websocket's client is gone, or the connection was closed by this side.

    Raised by :meth:`~asyncflask.Websocket.receive` and :meth:`~asyncflask.Websocket.send`. A view
    need not catch it: then the view ends without a log entry, and ``finally`` blocks, after and
    teardown functions run as usual.

    Args:
        code: The close code (:rfc:`6455` §7.4); 1005 if the client sent none.
        reason: The client's reason, possibly empty.
    """

    def __init__(self, code: int = 1005, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        detail = f": {self.reason}" if self.reason else ""
        return f"Websocket closed with code {self.code}{detail}"


def missing_method(owner: object, kind: str, signature: str) -> NotImplementedError:
    """Make the error for a method that a subclass has to define.

    Args:
        owner: The object without the method.
        kind: What the object is: ``"a JSON provider"``.
        signature: The method's name and parameters: ``"dumps(self, obj, **kwargs)"``.
    """
    cls, name = type(owner).__name__, signature.partition("(")[0]
    return NotImplementedError(
        f"{cls} has no {name}() of its own, which {kind} needs.\n\n"
        f"Define it on {cls}: def {signature}: ..."
    )


class MissingAttribute:
    """An attribute that does not exist: ``hasattr()`` is False, and the error names the remedy.

    PERF: a ``__getattr__`` of the class would slow down all attributes: 12 % of a plain request.

    Args:
        remedy: What to write instead, in a sentence or two.
    """

    def __init__(self, remedy: str) -> None:
        self._remedy = remedy

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> NoReturn:
        raise AttributeError(
            f"{owner.__name__!r} object has no attribute {self._name!r}. {self._remedy}",
            name=self._name,
            obj=instance,
        )


def explain_missing_attributes(cls: type, remedies: Mapping[str, str]) -> None:
    """Make the error for missing attributes of a class and its instances name the remedy.

    Type checkers do not see these attributes, so they report them as misspelled names.

    Args:
        cls: The class. A subclass or an instance may have an attribute of such a name.
        remedies: What to write instead, by the attribute's name.
    """
    for name, remedy in remedies.items():
        other = MissingAttribute(remedy)
        other.__set_name__(cls, name)
        type.__setattr__(cls, name, other)
