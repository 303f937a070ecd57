"""Where an app meets an ASGI server: HTTP, websocket and lifespan.

For each connection: make a context, let ``dispatch/`` run it (on the loop, or in the request's
worker thread when the view is ``def``), send the answer. What goes wrong outside of the app's own
error handling ends here too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from contextvars import Token
from functools import partial
from typing import Any

from werkzeug.exceptions import InternalServerError

from .._contextvars import current, make_current, restore
from ..concurrency.errors import as_exception
from ..concurrency.stop_signals import told_to_stop
from ..concurrency.workers import finish
from ..ctx import Context
from ..debug.blocking import is_watched, serve_watched
from ..debug.page import PRESERVE_CONTEXT
from ..dispatch.invoke import call_settled, emit
from ..dispatch.plan import EndpointPlan, PlanTable, Run
from ..dispatch.protocols import ServedApp
from ..dispatch.runners import run_pipeline
from ..dispatch.scope_types import WEBSOCKET, ScopeType
from ..dispatch.teardown import end_held, raise_first
from ..logging import one_line
from ..routing.rule import answers_options
from ..signals import got_serving_exception
from ..typing import ASGIApplication, Message, Receive, Scope, Send
from ..wrappers.never_awaited import log_forgotten
from ..wrappers.request.drain import is_left, reading_on
from ..wrappers.request.headers import index_headers
from ..wrappers.request.target import take_apart
from ..wrappers.response.asgi import send_response, whole_messages
from ..wrappers.response.error_pages import from_exception
from ..wsgi.mount import find_mount


async def serve_connection(
    app: ServedApp, scope: Scope, receive: Receive, send: Send, *, wrapped: bool = True
) -> None:
    """Serve one ASGI connection.

    Args:
        app: The app.
        scope: ASGI's ``scope``.
        receive: ASGI's ``receive``.
        send: ASGI's ``send``.
        wrapped: Whether to go through the debugger and a replaced ``app.asgi_app`` first.

    Raises:
        RuntimeError: The scope's type is none of ASGI 3's.
    """
    table = app.plans.direct.get(scope["type"])
    if table is None:
        table = await _find_table(app, scope, receive, send, wrapped)
        if table is None:
            return None
    make_context = table.make_context
    ctx = make_context(app, table.scope_type, scope, receive, send)
    headers = scope["headers"]
    if headers.__class__ is not list or len(names := dict(headers)) != len(headers):
        names = _index_headers(scope)
    ctx.header_names = names
    token = make_current(ctx)
    try:
        ctx.match_request()
        rule = ctx.url_rule
        if rule is None:
            plan = table[None]
        else:
            plan = table[rule.endpoint]
            scope["route"], scope["endpoint"] = rule, plan.view  # Tracing tools look at them.
        run: Run = plan.run if ctx.method != "OPTIONS" else _run_of_options(plan, rule)
        response = await run(app, ctx, plan)
        restore(token)  # A streamed body has its context only if it was asked to keep it.
        version = scope.get("http_version", "1.1")  # Later ones need no header for a body.
        if (
            b"content-length" in names
            or b"transfer-encoding" in names
            or (version != "1.1" and version != "1.0")
        ) and is_left(ctx):
            ctx.send = reading_on(ctx, ctx.send)
        messages = response if response.__class__ is tuple else _messages_of(ctx, response)
        if messages is None:
            return await _send(app, ctx, response)
        send = ctx.send if ctx.lease is None else _send_without_worker(ctx)
        try:
            await send(messages[0])
            await send(messages[1])
        except OSError:
            pass  # The client is gone. (ASGI: spec version 2.4.)
    except BaseException as error:
        await _fail(ctx, error, token)
        raise
    finally:
        if ctx.needs_cleanup:
            await _clean_up(app, ctx)
        else:
            ctx.made_connection = None  # It refers to the context: a cycle.


def _index_headers(scope: Scope) -> dict[bytes, bytes]:
    """Return the headers by name, where a name is repeated or they are an iterator."""
    headers = scope["headers"] = list(scope["headers"])
    return index_headers(headers)


def _send_without_worker(ctx: Context) -> Send:
    """Return ``send`` for a whole answer; the worker is given back, as a slow client needs none."""
    if ctx.held_end is None:
        ctx.give_back_worker()
    send: Send = ctx.send
    return send


def _run_of_options(plan: EndpointPlan, rule: object) -> Run:
    return run_pipeline if answers_options(rule) else plan.run


def _messages_of(ctx: Context, response: Any) -> tuple[Message, Message] | None:
    """Return the two messages of a whole answer; ``None`` for one that has to be sent in parts."""
    return None if ctx.scope_type is WEBSOCKET else whole_messages(response, ctx.scope["method"])


async def _clean_up(app: ServedApp, ctx: Context) -> None:
    """Give back and forget what the context of a connection that was served has used."""
    if ctx.held_end is not None and ctx.held_end.streams:
        # A stream that was never sent would keep the context forever.
        await finish(_let_go(app, ctx))
    if ctx.forgotten:  # by a function that ran after the answer
        log_forgotten(app, ctx)
    if ctx.lease is not None or ctx.made_sync_connection is not None:
        ctx.give_back_worker()
    if ctx.pushes is None:
        ctx.made_connection = None  # The test client keeps the one of a context that is pushed.


def _failure(ctx: Context, error: BaseException) -> BaseException:
    """Return the exception that the server gets for an error that was not answered.

    A server has a 500 for an :exc:`Exception`. For a ``SystemExit`` it would end, and for a
    ``CancelledError`` that is not its own the client would wait forever.
    """
    if isinstance(error, GeneratorExit) and current() is not ctx:
        return error  # The coroutine is closed, by a loop that has ended or by the collector.
    return as_exception(error, f"{ctx.scope.get('method', 'websocket')} {ctx.scope['path']!r}")


async def _fail(ctx: Context, error: BaseException, token: Token[Any]) -> None:
    """Report an error that was not answered to the debugger and to a websocket's client.

    Args:
        ctx: The context.
        error: The error.
        token: Restores the context that was current before.

    Raises:
        EscapedError: The server gets this instead of ``error``.
    """
    failure = _failure(ctx, error)
    with suppress(RuntimeError):  # It was restored before the answer was sent.
        restore(token)
    if PRESERVE_CONTEXT in ctx.scope:
        ctx.scope[PRESERVE_CONTEXT](ctx)
    if ctx.scope_type is WEBSOCKET:
        websocket, refusal = ctx.own_connection, None
        if not websocket.accepted and PRESERVE_CONTEXT not in ctx.scope:
            refusal = from_exception(InternalServerError())  # The debugger has a page of its own.
        # RFC 6455 §7.4.1: 1011 for our own error, 1001 when the server goes away.
        await websocket.end(refusal, code=1011 if isinstance(failure, Exception) else 1001)
    if failure is not error:
        raise failure from error


async def _end_websocket(app: ServedApp, ctx: Context, response: Any) -> None:
    websocket = ctx.own_connection
    if response is None and not websocket.accepted and not websocket.closed:
        app.logger.warning(
            "The websocket view of %s ended without accepting the connection, which is refused with"
            " 403. Is an `await` missing before websocket.accept(), receive() or send()?",
            one_line(websocket.path),
        )
    if response is not None and not websocket.accepted and response.status_code < 300:
        app.logger.warning(
            "The websocket view of %s returned %r before it had accepted the connection, so that is"
            " the answer to the handshake, and the connection is refused. Write `await"
            " websocket.send(...)` to send a message; to refuse, return a status such as 403.",
            one_line(websocket.path),
            response,
        )
    if response is not None and websocket.accepted and response.status_code < 500:
        app.logger.warning(
            "The websocket view of %s returned %r after it had accepted the connection, so nothing"
            " of it was sent. Write `await websocket.send(...)` to send a message, or `await"
            " websocket.close(code, reason)` to end with another code; a response refuses a"
            " websocket only before accept().",
            one_line(websocket.path),
            response,
        )
    await websocket.end(response)


async def _find_table(
    app: ServedApp, scope: Scope, receive: Receive, send: Send, wrapped: bool
) -> PlanTable | None:
    """Return the app's plans for a scope; ``None`` if it was served otherwise than by them."""
    elsewhere = _elsewhere(app, scope, wrapped)
    if elsewhere is not None:
        await elsewhere(scope, receive, send)
        return None
    app.end_setup()
    for table in app.plans.tables.values():
        table.make_context = app.connection_contexts.get(table.scope_type.name, Context)
        if not app.replaced_steps.isdisjoint((table.scope_type.context, "app_context")):
            table.make_context = partial(_make_context, table.make_context)
    if not (app.use_debugger or app.mounts or app.debug or "asgi_app" in app.replaced_steps):
        app.plans.direct = app.plans.tables
    return app.plans.tables[scope["type"]]


def _make_context(
    make: Callable[..., Context],
    app: ServedApp,
    scope_type: ScopeType,
    scope: Scope,
    receive: Receive,
    send: Send,
) -> Context:
    """Make a context of an app that replaces ``app_context``, ``request_context`` or its like."""
    name = scope_type.context
    if name in app.replaced_steps:
        ctx = app.make_connection_context(name, scope, receive, send)
    else:
        ctx = make(app, scope_type, scope, receive, send)
    ctx.take_app_context()
    return ctx


def _elsewhere(app: ServedApp, scope: Scope, wrapped: bool) -> ASGIApplication | None:
    """Return what serves a scope instead of the app's plans: the debugger, a mounted app …"""
    if wrapped and app.use_debugger:
        return partial(app.debugger.serve, app.asgi_app)
    if wrapped and "asgi_app" in app.replaced_steps:
        return app.asgi_app
    if scope["type"] not in app.plans.tables:
        return partial(_serve_lifespan, app)
    if app.mounts:
        if scope["path"][:1] != "/":
            take_apart(scope)
        mount = find_mount(app.mounts, scope)
        if mount is not None:
            return partial(mount.serve, app)
    if not app.debug or is_watched():
        return None
    return partial(serve_watched, app, partial(serve_connection, app, wrapped=False))


def _send(app: ServedApp, ctx: Context, response: Any) -> Awaitable[None]:
    if ctx.scope_type is WEBSOCKET:
        return _end_websocket(app, ctx, response)
    scope = ctx.scope
    return send_response(
        response,
        scope["method"],
        ctx.send,
        ctx.wait_disconnect,
        ctx.run_def,
        scope.get("extensions") or (),
    )


async def _let_go(app: ServedApp, ctx: Context) -> None:
    """End a context that was left to streams which will not end it."""
    previous = current()
    make_current(ctx)
    try:
        await end_held(app, ctx)
    finally:
        make_current(previous)


# -- lifespan --------------------------------------------------------------------------------------


async def _serve_lifespan(app: ServedApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Start the app up and shut it down when the server says so. (ASGI: lifespan.)

    Raises:
        RuntimeError: The scope's type is none of ASGI 3's.
    """
    if scope["type"] != "lifespan":
        raise RuntimeError(
            f"{app!r} was called with an ASGI scope of type {scope['type']!r}; it serves 'http',"
            " 'websocket' and 'lifespan'. Answer other types in a middleware around the app."
        )
    if "state" in scope:
        app.lifespan_state = scope["state"]
    with told_to_stop(app.stopping, scope):
        await _take_steps(app, receive, send)


async def _take_steps(app: ServedApp, receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        step = {"lifespan.startup": app.startup, "lifespan.shutdown": app.shutdown}.get(kind)
        if step is None:
            raise RuntimeError(
                f"The server sent {kind!r} in the lifespan scope; 'lifespan.startup' and"
                " 'lifespan.shutdown' are what ASGI 3 has."
            )
        try:
            await _in_lifespan(step, kind)
        except Exception as error:
            # A server shows the message at most.
            app.logger.error("The app failed in %s.", kind, exc_info=error)
            ctx = app.app_context()
            if got_serving_exception.receivers:
                await emit(ctx, got_serving_exception, app, exception=error)
            await send({"type": f"{kind}.failed", "message": f"{type(error).__name__}: {error}"})
            raise
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


async def _in_lifespan(step: Callable[[], Awaitable[None]], kind: str) -> None:
    """Take a step; a program may end itself there, but a lost ``CancelledError`` is a failure."""
    try:
        await step()
    except (SystemExit, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        failure = as_exception(error, kind)
        if failure is error:
            raise
        raise failure from error


async def run_startup(app: ServedApp) -> None:
    """Run the ``before_serving`` functions, then each ``while_serving`` generator's first part.

    Args:
        app: The app.
    """
    if not app.has_started:
        app.serving_generators.clear()  # Those of a startup that has failed.
    generators: list[AsyncIterator[None]] = []
    app.serving_generators.append(generators)
    async with app.app_context() as ctx:
        for func in app.before_serving_funcs:
            await call_settled(ctx, func)
        for function in app.while_serving_gens:
            generator = function()
            await anext(generator)
            generators.append(generator)


async def run_shutdown(app: ServedApp) -> None:
    """Run each ``while_serving`` generator's last part, then the ``after_serving`` functions.

    What began last ends first: the generators are run after the ``before_serving`` functions, and
    may use at their end what the ``after_serving`` functions close. All of them run; the first
    error is raised at the end, the others are logged.

    Args:
        app: The app.

    Raises:
        BaseException: The first error of the functions and generators.

    Source: ``Quart: app.shutdown``.
    """
    errors: list[BaseException] = []
    generators = app.serving_generators.pop() if app.serving_generators else []
    async with app.app_context() as ctx:
        for generator in reversed(generators):
            await _noting(errors, _end_generator(generator), f"the generator {generator!r}")
        for func in app.after_serving_funcs:
            await _noting(errors, call_settled(ctx, func), f"the after_serving function {func!r}")
    raise_first(app, errors)


async def _noting(errors: list[BaseException], step: Awaitable[object], what: str) -> None:
    """Take a step of the shutdown, and note what it raises, so that the others are taken too."""
    try:
        await step
    except (SystemExit, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        # Mostly of a task that the step has cancelled and awaited.
        failure = as_exception(error, what)
        if failure is not error:
            failure.__cause__ = error
        elif not isinstance(error, Exception):
            raise  # The server cancels the shutdown.
        errors.append(failure)


async def _end_generator(generator: AsyncIterator[None]) -> None:
    try:
        await anext(generator)
    except StopAsyncIteration:
        return
    raise _yielded_twice(generator)


def _yielded_twice(generator: object) -> RuntimeError:
    return RuntimeError(
        f"The while_serving generator {generator!r} yielded twice. It yields once: the code"
        " before the `yield` runs at startup, the code after it at shutdown."
    )
