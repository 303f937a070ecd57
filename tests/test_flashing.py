"""Messages from one request to the next."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from asyncflask.flashing import flash, get_flashed_messages
from asyncflask.sessions import NullSession, SecureCookieSession


@pytest.fixture
def ctx() -> Any:
    return SimpleNamespace(session=SecureCookieSession(), flashes=None)


def test_messages_travel_in_the_session_as_flasks_do(ctx: Any) -> None:
    flash(ctx, "Saved.")
    flash(ctx, "No.", "error")

    assert ctx.session == {"_flashes": [("message", "Saved."), ("error", "No.")]}
    assert ctx.session.modified


def test_a_second_message_marks_the_session_again(ctx: Any) -> None:
    flash(ctx, "One")
    ctx.session.modified = False
    flash(ctx, "Two")

    assert ctx.session.modified


def test_messages_are_taken_once_and_shown_as_often_as_asked(ctx: Any) -> None:
    flash(ctx, "Saved.")

    assert get_flashed_messages(ctx) == get_flashed_messages(ctx) == ["Saved."]
    assert ctx.session == {}


def test_what_is_flashed_after_reading_is_for_the_next_request(ctx: Any) -> None:
    flash(ctx, "One")
    get_flashed_messages(ctx)
    flash(ctx, "Two")

    assert get_flashed_messages(ctx) == ["One"]
    ctx.flashes = None
    assert get_flashed_messages(ctx) == ["Two"]


@pytest.mark.parametrize("categories", [["error"], ("error",), iter(["error"]), {"error"}])
def test_messages_can_be_chosen_by_category(ctx: Any, categories: Any) -> None:
    flash(ctx, "Saved.")
    flash(ctx, "No.", "error")
    flash(ctx, "Never.", "error")

    assert get_flashed_messages(ctx, category_filter=categories) == ["No.", "Never."]
    assert get_flashed_messages(ctx, True, ["message"]) == [("message", "Saved.")]
    assert get_flashed_messages(ctx, category_filter=iter(())) == ["Saved.", "No.", "Never."]


def test_without_messages_the_session_is_looked_at_but_not_changed(ctx: Any) -> None:
    assert get_flashed_messages(ctx) == []
    assert ctx.session.accessed
    assert not ctx.session.modified


def test_without_a_secret_key_flashing_says_so() -> None:
    ctx: Any = SimpleNamespace(session=NullSession(), flashes=None)

    with pytest.raises(RuntimeError, match="there is no secret key to sign"):
        flash(ctx, "Saved.")
