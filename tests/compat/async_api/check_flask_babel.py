"""Flask-Babel on the async API, with ``async def`` views."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from flask_babel import (
    Babel,
    force_locale,
    format_datetime,
    format_decimal,
    get_locale,
    get_timezone,
    gettext,
    lazy_gettext,
    refresh,
)

from asyncflask import Flask, render_template_string, request

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def app():
    app = Flask(__name__)
    Babel(
        app,
        locale_selector=lambda: request.accept_languages.best_match(["de", "en"]),
        timezone_selector=lambda: request.headers.get("X-Zone"),
    )
    return app


async def text(app, view, **headers):
    app.get("/")(view)
    return (await app.test_client().get("/", headers=headers)).text


async def test_the_locale_of_the_request(app):
    async def view():
        return str(get_locale())

    assert await text(app, view, **{"Accept-Language": "de"}) == "de"


async def test_dates_and_time_zones(app):
    async def view():
        return f"{get_timezone()} {format_datetime(NOON, 'HH:mm')}"

    assert await text(app, view, **{"X-Zone": "Europe/Vienna"}) == "Europe/Vienna 13:00"


async def test_numbers(app):
    async def view():
        return format_decimal(Decimal("1234.5"))

    assert await text(app, view, **{"Accept-Language": "de"}) == "1.234,5"


async def test_texts_without_a_catalogue_are_themselves(app):
    late = lazy_gettext("Hello %(name)s", name="Ada")

    async def view():
        return f"{gettext('Tea')} {late}"

    assert await text(app, view) == "Tea Hello Ada"


async def test_another_locale_for_a_while(app):
    async def view():
        with force_locale("fr"):
            inside = str(get_locale())
        refresh()
        return f"{inside} {get_locale()}"

    assert await text(app, view, **{"Accept-Language": "en"}) == "fr en"


async def test_filters_and_functions_of_templates(app):
    async def view():
        return render_template_string(
            "{{ _('Tea') }} {{ 1234.5|decimalformat }} {{ noon|datetimeformat('HH') }}", noon=NOON
        )

    assert await text(app, view, **{"Accept-Language": "de"}) == "Tea 1.234,5 12"
