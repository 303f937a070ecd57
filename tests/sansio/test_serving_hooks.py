"""The decorators of what runs around the serving of an app."""

from __future__ import annotations

import pytest

from asyncflask import Flask


@pytest.fixture
def app():
    app = Flask("shop")
    app.secret_key = "secret"
    return app


@pytest.mark.parametrize("name", ["before_serving", "while_serving", "after_serving"])
def test_a_serving_hook_is_returned_unchanged(app, name):
    async def hook():
        yield

    assert getattr(app, name)(hook) is hook
