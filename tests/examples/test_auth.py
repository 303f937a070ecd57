"""Accounts of the example blog: register, log in, log out, protected pages, pictures."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pytest

from .conftest import PASSWORD

ACCOUNT = {"name": "Grace", "email": "grace@example.org", "password": PASSWORD}
PNG = b"\x89PNG\r\n\x1a\n" + b"picture"


async def test_register_log_in_log_out(client):
    registered = await client.post("/register", data=ACCOUNT, follow_redirects=True)
    assert registered.request.path == "/"
    assert "Welcome, Grace! You are logged in." in registered.text
    assert "Log out" in registered.text

    away = await client.post("/logout", follow_redirects=True)
    assert "You are logged out." in away.text
    assert "Log out" not in away.text

    home = await client.post("/login", data=ACCOUNT, follow_redirects=True)
    assert "Hello, Grace." in home.text
    assert "Log out" in home.text


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": " "}, "A name has 1 to 30 characters."),
        ({"email": "nowhere"}, "“nowhere” is no e-mail address."),
        ({"password": "short"}, "A password has at least 8 characters."),
        ({"name": "ADA"}, "The name ADA is taken."),
    ],
)
async def test_an_account_that_cannot_be_is_explained(client, ada, change, problem):
    response = await client.post("/register", data=ACCOUNT | change)

    assert response.status_code == 422
    assert problem in response.text


@pytest.mark.parametrize("change", [{"password": "wrong"}, {"name": "nobody"}])
async def test_a_wrong_password_and_an_unknown_name_look_the_same(client, ada, change):
    response = await client.post("/login", data={"name": "ada", "password": PASSWORD} | change)

    assert response.status_code == 422
    assert "Name or password is wrong." in response.text


async def test_a_protected_page_leads_to_the_log_in_and_back(client, ada):
    """The view is ``def``, the log-in ``async def``."""
    refused = await client.get("/posts/new?a=b")
    back = await client.post(refused.location, data={"name": "ada", "password": PASSWORD})

    assert refused.location == "/login?next=/posts/new?a%3Db"
    assert back.location == "/posts/new?a=b"


async def test_who_registers_instead_comes_back_as_well(client):
    refused = await client.get("/posts/new")
    page = await client.get(refused.location)
    back = await client.post("/register?next=/posts/new", data=ACCOUNT)

    assert 'href="/register?next=/posts/new"' in page.text
    assert back.location == "/posts/new"


@pytest.mark.parametrize("path", ["//evil.test", "http://evil.test", "/\t/evil.test", "/\\evil"])
async def test_a_new_account_leads_to_no_other_site(client, path):
    response = await client.post("/register", query_string={"next": path}, data=ACCOUNT)

    assert response.location == "/"


@pytest.mark.parametrize("path", ["//evil.test", "http://evil.test", "/\t/evil.test", "/\\evil"])
async def test_the_log_in_leads_to_no_other_site(client, ada, path):
    response = await client.post(
        "/login", query_string={"next": path}, data={"name": "ada", "password": PASSWORD}
    )

    assert response.location == "/"


async def test_a_message_is_shown_once(client):
    await client.get("/posts/new")

    assert "Please log in first." in (await client.get("/login")).text
    assert "Please log in first." not in (await client.get("/login")).text


async def test_a_page_of_another_site_cannot_post(ada):
    """Cross-site request forgery: the browser says where a request comes from."""
    foreign = await ada.post("/logout", headers={"Origin": "http://evil.test"})
    own = await ada.post("/logout", headers={"Origin": "http://localhost"})

    assert (foreign.status_code, own.status_code) == (403, 302)


async def test_the_session_cookie_stays_away_from_scripts_and_other_sites(client, ada):
    response = await client.post("/login", data={"name": "ada", "password": PASSWORD})

    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


async def upload(client, data, name="me.png"):
    return await client.post(
        "/profile/picture", data={"picture": (BytesIO(data), name)}, follow_redirects=True
    )


async def test_without_a_picture_there_is_the_first_letter_on_a_colour_of_the_name(ada, log_in):
    page = (await ada.get("/profile")).text
    (colour,) = set(re.findall(r'class="avatar" style="--hue: (\d+);[^>]*>A<', page))
    other = (await (await log_in("bob")).get("/profile")).text

    assert "<img" not in page
    assert f"--hue: {colour};" not in other


async def test_an_uploaded_picture_is_shown(app, ada):
    page = await upload(ada, PNG, name="../../me.html")
    (stored,) = Path(app.config["PICTURES"]).iterdir()
    picture = await ada.get(f"/pictures/{stored.name}")

    assert f'src="/pictures/{stored.name}"' in page.text
    assert picture.data == PNG
    assert picture.mimetype == "image/png"
    assert picture.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_new_picture_takes_the_place_of_the_old_one(app, ada):
    await upload(ada, PNG)
    await upload(ada, b"GIF89a")

    assert [path.suffix for path in Path(app.config["PICTURES"]).iterdir()] == [".gif"]


async def test_what_is_no_picture_is_refused(app, ada):
    page = await upload(ada, b"<script>alert(1)</script>")

    assert "That is no PNG, JPEG or GIF picture." in page.text
    assert not Path(app.config["PICTURES"]).exists()


async def test_a_picture_has_a_largest_size(ada):
    page = await upload(ada, PNG + bytes(3 * 1024 * 1024))

    assert page.status_code == 413
    assert "at most 2048 KB" in page.text


async def test_no_path_leads_out_of_the_pictures(client):
    assert (await client.get("/pictures/..%2fsecret_key")).status_code == 404


async def test_the_signing_key_is_made_once_and_for_its_owner_alone(tmp_path):
    from examples import create_app

    first, second = (create_app(instance_path=str(tmp_path)) for _ in range(2))

    assert len(first.secret_key) == 64
    assert first.secret_key == second.secret_key
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
