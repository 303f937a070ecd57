"""Streams that keep a context. How requests use them is tested with ``ctx``."""

from __future__ import annotations

import pytest

from asyncflask._contextvars import context_var, current
from asyncflask.wrappers.response.stream_with_context import HeldEnd, keep


class App:
    def __init__(self):
        self.ended = []

    async def teardown_context(self, ctx, error):
        self.ended.append((ctx, error))


class Kept:
    """The least that a stream asks of a context."""

    def __init__(self):
        self.app = App()
        self.held_end = HeldEnd()
        self.serving_error = None

    def hold(self):
        self.held_end.streams += 1

    def leave_in_place(self, error):
        self.app.ended.append((self, error))


@pytest.fixture
def ctx():
    return Kept()


def parts(seen, error=None):
    try:
        for name in "ab":
            seen.append(current())
            yield name
        if error is not None:
            raise error
    finally:
        seen.append(current())


async def async_parts(seen, error=None):
    for name in parts(seen, error):
        yield name


BODIES = {"sync": parts, "async": async_parts}


async def read(stream):
    """Read a stream of either kind to its end."""
    if hasattr(stream, "__anext__"):
        return [part async for part in stream]
    return list(stream)


async def close(stream):
    if hasattr(stream, "aclose"):
        await stream.aclose()
    else:
        stream.close()


async def step(stream):
    return await anext(stream) if hasattr(stream, "__anext__") else next(stream)


@pytest.fixture(params=BODIES)
def body(request):
    return BODIES[request.param]


async def test_the_context_is_current_at_each_step_and_not_between(ctx, body):
    seen = []
    stream = keep(ctx, body(seen))
    outside = object()
    context_var.set(outside)
    try:
        await step(stream)
        assert context_var.get() is outside
        await read(stream)
        assert context_var.get() is outside
    finally:
        context_var.set(None)

    assert seen == [ctx, ctx, ctx]


async def test_a_context_that_was_left_ends_with_the_stream(ctx, body):
    stream = keep(ctx, body([]))
    ctx.held_end.is_due = True
    assert await step(stream) == "a"
    assert ctx.app.ended == []
    await read(stream)

    assert ctx.app.ended == [(ctx, None)]
    assert ctx.held_end.streams == 0


async def test_a_context_in_use_is_not_ended_by_its_stream(ctx, body):
    await read(keep(ctx, body([])))

    assert ctx.app.ended == []
    assert ctx.held_end.streams == 0


async def test_the_error_of_a_stream_ends_the_context_with_it(ctx, body):
    error = ValueError("in the stream")
    stream = keep(ctx, body([], error))
    ctx.held_end.is_due = True
    with pytest.raises(ValueError, match="in the stream"):
        await read(stream)

    assert ctx.app.ended == [(ctx, error)]


async def test_the_error_of_the_request_is_not_forgotten(ctx, body):
    stream = keep(ctx, body([]))
    ctx.held_end.is_due, ctx.serving_error = True, KeyError("of the view")
    await read(stream)

    assert ctx.app.ended == [(ctx, ctx.serving_error)]


@pytest.mark.parametrize("steps", [0, 1])
async def test_closing_ends_body_and_context_once(ctx, steps):
    seen = []
    stream = keep(ctx, parts(seen))
    ctx.held_end.is_due = True
    for _ in range(steps):
        await step(stream)
    await close(stream)
    await close(stream)

    assert seen == [ctx] * 2 * steps
    assert ctx.app.ended == [(ctx, None)]
    assert await read(stream) == []


async def test_an_async_body_is_closed_too(ctx):
    closed = []

    async def body():
        try:
            yield "a"
        finally:
            closed.append(current())

    stream = keep(ctx, body())
    await step(stream)
    await close(stream)

    assert closed == [ctx]


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_a_body_without_close_is_released(ctx, kind):
    class Endless:
        def __aiter__(self):
            return self

        async def __anext__(self):
            return "x"

    stream = keep(ctx, iter(["a"]) if kind == "sync" else Endless())
    ctx.held_end.is_due = True
    await close(stream)

    assert ctx.app.ended == [(ctx, None)]


async def test_a_context_held_by_two_streams_ends_with_the_last(ctx, body):
    first, second = keep(ctx, body([])), keep(ctx, body([]))
    ctx.held_end.is_due = True
    await read(first)
    assert ctx.app.ended == []
    await close(second)

    assert ctx.app.ended == [(ctx, None)]
