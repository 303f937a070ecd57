"""Promises of ``asyncflask.wrappers.request.awaitable``."""

from __future__ import annotations

import asyncio
import copy
import inspect

import pytest
from markupsafe import escape

from asyncflask.exceptions import UnawaitedAccess
from asyncflask.wrappers.request.awaitable import Pending


@pytest.fixture
def reads():
    return []


@pytest.fixture
def pending(reads):
    async def read(request, options):
        reads.append(options)
        await asyncio.sleep(0)
        return options

    return Pending("request.form", read, None, {"name": "Ada"})


async def test_awaiting_gives_what_was_read(pending):
    assert await pending == {"name": "Ada"}


async def test_awaiting_twice_reads_once(pending, reads):
    first = await pending

    assert await pending is first
    assert len(reads) == 1


async def test_it_can_be_gathered_and_timed(pending):
    async with asyncio.timeout(5):
        assert (
            await asyncio.gather(pending, asyncio.ensure_future(pending)) == [{"name": "Ada"}] * 2
        )


def test_never_awaiting_it_reads_nothing_and_warns_about_nothing(pending, reads):
    del pending

    assert reads == []


WRONG_AND_RIGHT = [
    (lambda p: p["name"], "request.form['name']", "(await request.form)['name']"),
    (lambda p: p["{}"], "request.form['{}']", "(await request.form)['{}']"),
    (lambda p: p.get("name"), "request.form.get", "(await request.form).get"),
    (lambda p: "name" in p, "'name' in request.form", "'name' in await request.form"),
    (lambda p: len(p), "len(request.form)", "len(await request.form)"),
    (lambda p: list(p), "for item in request.form", "for item in await request.form"),
    (lambda p: bool(p), "if request.form", "if await request.form"),
    (lambda p: bytes(p), "bytes(request.form)", "bytes(await request.form)"),
    (lambda p: p == b"", "request.form == b''", "(await request.form) == b''"),
    (lambda p: p != b"", "request.form != b''", "(await request.form) != b''"),
    (lambda p: int(p), "int(request.form)", "int(await request.form)"),
    (lambda p: float(p), "float(request.form)", "float(await request.form)"),
    (lambda p: p + "x", "request.form + 'x'", "(await request.form) + 'x'"),
    (lambda p: "x" + p, "'x' + request.form", "'x' + await request.form"),
    (lambda p: p | {}, "request.form | {}", "(await request.form) | {}"),
    (lambda p: {} | p, "{} | request.form", "{} | await request.form"),
    (lambda p: p.__setitem__(1, 2), "request.form[1] = …", "(await request.form)[1] = …"),
    (lambda p: p(), "request.form()", "await request.form"),
    (lambda p: p(1, silent=True), "request.form(…)", "await request.form"),
]


@pytest.mark.parametrize(("use", "wrong", "right"), WRONG_AND_RIGHT)
def test_use_without_await_names_the_expression_and_the_remedy(pending, use, wrong, right):
    with pytest.raises(UnawaitedAccess, match="was used without `await`") as raised:
        use(pending)

    lines = [line.strip() for line in str(raised.value).splitlines()]
    assert f"wrong: {wrong}" in lines
    assert f"right: {right}" in lines
    assert "In a `def` function" in lines[-1]


def test_a_huge_key_does_not_make_a_huge_message(pending):
    with pytest.raises(UnawaitedAccess, match="was used without") as raised:
        pending["x" * 100_000]

    assert len(str(raised.value)) < 1000


def test_showing_it_in_a_log_is_harmless(pending):
    assert repr(pending) == f"{pending!r}" == "<request.form, not awaited>"


@pytest.mark.parametrize("use", [str, "{}".format, escape], ids=["str", "format", "escape"])
def test_formatting_it_into_a_response_is_refused(pending, use):
    with pytest.raises(UnawaitedAccess, match=r"\(await request\.form\)|await request\.form"):
        use(pending)


def test_introspection_is_harmless(pending):
    assert inspect.isawaitable(pending)
    assert not inspect.iscoroutine(pending)
    assert not hasattr(pending, "__wrapped__")
    assert {pending: 1}
    assert copy.copy(pending) is not pending
