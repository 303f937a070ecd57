"""Flask-Talisman on the async API, with ``async def`` views."""

import pytest
from flask_talisman import Talisman

from asyncflask import Flask, render_template_string


@pytest.fixture
def app():
    app = Flask(__name__)
    app.secret_key = "only here"

    @app.get("/")
    async def view():
        return render_template_string("{{ csp_nonce() }}")

    return app


async def test_headers_are_set(app):
    Talisman(app, force_https=False)
    headers = (await app.test_client().get("/")).headers

    assert headers["X-Frame-Options"] == "SAMEORIGIN"

    assert "default-src" in headers["Content-Security-Policy"]


async def test_http_is_sent_to_https(app):
    Talisman(app)
    response = await app.test_client().get("/")

    assert (response.status_code, response.headers["Location"]) == (302, "https://localhost/")


async def test_https_is_answered_with_hsts(app):
    Talisman(app)
    response = await app.test_client().get("/", base_url="https://localhost")

    assert "max-age" in response.headers["Strict-Transport-Security"]


async def test_a_nonce_is_in_the_page_and_the_header(app):
    policy = {"script-src": "'self'"}
    Talisman(
        app,
        force_https=False,
        content_security_policy=policy,
        content_security_policy_nonce_in=["script-src"],
    )
    response = await app.test_client().get("/")

    assert f"'nonce-{response.text}'" in response.headers["Content-Security-Policy"]


async def test_options_of_one_view(app):
    talisman = Talisman(app, force_https=False)

    @app.get("/framed")
    @talisman(frame_options="ALLOW-FROM", frame_options_allow_from="https://shop.example")
    def framed():
        return "framed"

    headers = (await app.test_client().get("/framed")).headers

    assert headers["X-Frame-Options"] == "ALLOW-FROM https://shop.example"


async def test_options_of_one_async_view(app):
    talisman = Talisman(app, force_https=False)

    @app.get("/framed")
    @talisman(frame_options="DENY")
    async def framed():
        return "framed"

    response = await app.test_client().get("/framed")

    assert (response.text, response.headers["X-Frame-Options"]) == ("framed", "DENY")
