"""The traceback page of debug mode: when it is shown, and what it contains."""

from __future__ import annotations

import pytest

from asyncflask import Flask, websocket
from asyncflask.debug.page import traceback_response


@pytest.fixture
def app():
    app = Flask("shop")
    app.debug = True
    return app


def page_for(app, error):
    with app.test_request_context() as ctx:
        return traceback_response(app, ctx, error)


def failure(text="why"):
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


def test_the_page_shows_error_file_and_line(app):
    response = page_for(app, failure())
    text = response.get_data(as_text=True)

    assert response.status_code == 500
    assert response.mimetype == "text/html"
    assert "ValueError" in text
    assert __file__ in text
    assert '<code class="function">failure</code>' in text


def test_the_errors_text_is_escaped(app):
    """CVE-2016-10516. (Werkzeug repeats the text in a comment, which it cannot end.)"""
    text = page_for(app, failure("--><b>why</b>")).get_data(as_text=True)
    before, _, comment = text.partition("<!--")

    assert "--&gt;&lt;b&gt;why&lt;/b&gt;" in before
    assert "<b>why" not in before
    assert comment.count("-->") == 1
    assert comment.rstrip().endswith("-->")


def test_the_page_offers_no_console_and_no_secret(app):
    """GHSA-2g68-c3qc-8985, CVE-2019-14806: without a console there is no PIN to guess."""
    text = page_for(app, failure()).get_data(as_text=True)

    assert "EVALEX = false" in text
    assert 'SECRET = ""' in text
    assert "EVALEX_TRUSTED = false" in text


def test_the_error_is_logged_as_well(app, caplog):
    error = failure()
    page_for(app, error)

    assert caplog.records[-1].exc_info[1] is error
    assert "on / [GET]" in caplog.records[-1].getMessage()


@pytest.mark.parametrize("propagate", [True, False])
def test_no_page_is_made_if_errors_are_propagated(app, propagate):
    app.config["PROPAGATE_EXCEPTIONS"] = propagate

    assert page_for(app, failure()) is None


def test_tests_get_the_error_and_not_the_page(app):
    app.testing = True

    assert page_for(app, failure()) is None


def test_without_debug_there_is_no_page(app):
    app.debug = False

    assert page_for(app, failure()) is None


def test_an_interrupt_has_no_page(app):
    assert page_for(app, KeyboardInterrupt()) is None


async def test_a_websocket_gets_no_page(app):
    async with app.test_websocket_context("/ws") as ctx:
        assert websocket.path == "/ws"
        assert traceback_response(app, ctx, failure()) is None
