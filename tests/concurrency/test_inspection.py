"""Which callables are ``async def``."""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys

import pytest

from asyncflask.concurrency.inspection import is_async


def plain():
    return asyncio.sleep(0)


async def coroutine_function():
    pass


class Thing:
    async def method(self):
        pass

    @staticmethod
    async def static():
        pass

    @classmethod
    async def of_class(cls):
        pass

    async def __call__(self):
        pass


class Plain:
    def __call__(self):
        pass


async def generator():
    yield


@pytest.mark.parametrize(
    ("func", "expected"),
    [
        (coroutine_function, True),
        (Thing().method, True),
        (Thing.static, True),
        (Thing.of_class, True),
        (Thing(), True),
        (functools.partial(coroutine_function), True),
        (functools.partial(functools.partial(Thing()), 1), True),
        (functools.wraps(coroutine_function)(lambda: None), False),
        (plain, False),
        (functools.partial(plain), False),
        (generator, False),
        (Plain(), False),
        (Thing, False),
        (len, False),
        (lambda: None, False),
    ],
)
def test_is_async_is_whether_a_call_gives_a_coroutine(func, expected):
    assert is_async(func) is expected


@pytest.mark.skipif(sys.version_info < (3, 12), reason="inspect marks functions since 3.12")
def test_a_marked_function_is_asynchronous():
    mark = inspect.markcoroutinefunction

    assert is_async(mark(lambda: coroutine_function()))
