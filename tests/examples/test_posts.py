"""Posts of the example blog, as pages and as JSON."""

from __future__ import annotations

import re

import pytest

from examples import create_app

from .conftest import PASSWORD
from .documents import PROJECT

POST = {"title": "On engines", "body": "First.\r\n\r\nSecond."}


async def test_write_read_edit_delete(ada):
    """Writing is a ``def`` view, editing an ``async def`` one."""
    written = await ada.post("/posts/new", data=POST, follow_redirects=True)
    assert written.request.path == "/posts/1"
    assert "Published." in written.text
    assert "First.\n\nSecond." in written.text

    edited = await ada.post("/posts/1/edit", data=POST | {"title": "New"}, follow_redirects=True)
    assert "Changed." in edited.text
    assert "<h1>New</h1>" in edited.text

    deleted = await ada.post("/posts/1/delete", follow_redirects=True)
    assert "Deleted." in deleted.text
    assert (await ada.get("/posts/1")).status_code == 404


@pytest.mark.parametrize("path", ["/posts/new", "/posts/1/edit"])
async def test_a_post_that_cannot_be_is_explained_and_not_lost(ada, path):
    await ada.post("/posts/new", data=POST)

    response = await ada.post(path, data={"title": " ", "body": "long thoughts"})

    assert response.status_code == 422
    assert "A post needs a title of 1 to 100 characters." in response.text
    assert "long thoughts</textarea>" in response.text


async def test_markup_in_a_post_is_text(ada):
    script = "<script>alert(1)</script>"

    await ada.post("/posts/new", data={"title": script, "body": script})

    for path in ("/", "/posts/1", "/posts/1/edit", "/users/ada"):
        page = (await ada.get(path)).text
        assert script not in page
        assert "&lt;script&gt;" in page


async def test_only_its_author_changes_a_post(ada, log_in):
    await ada.post("/posts/new", data=POST)
    eve = await log_in("eve")

    assert (await eve.get("/posts/1/edit")).status_code == 403
    assert (await eve.post("/posts/1/delete")).status_code == 403
    assert "Edit" not in (await eve.get("/posts/1")).text
    assert "Edit" in (await ada.get("/posts/1")).text


async def test_posts_come_in_pages(ada):
    for number in range(1, 8):
        await ada.post("/posts/new", data={"title": f"Post number {number}"})

    first, second = (await ada.get("/")).text, (await ada.get("/?page=2")).text

    assert first.index("Post number 7") < first.index("Post number 3")
    assert "Post number 2" not in first
    assert "Post number 2" in second
    assert "Page 1 of 2" in first


async def test_a_blog_without_posts_says_how_to_begin(client):
    page = (await client.get("/")).text

    assert "There are no posts yet." in page
    assert 'href="/register"' in page


async def test_a_new_blog_has_posts_and_only_a_new_one(tmp_path):
    numbers = []
    for _ in range(2):
        app = create_app(instance_path=str(tmp_path))
        async with app.test_app():
            posts = (await app.test_client().get("/api/posts")).json["posts"]
            numbers.append([post["id"] for post in posts])

    assert posts[0]["title"] == "Welcome"
    assert numbers == [[7, 6, 5, 4, 3]] * 2


async def test_the_front_page_leads_to_the_other_examples(client):
    front = (await client.get("/")).text
    commands = set(re.findall(r"<code>python -m examples\.(\w+)</code>", front))

    for path, title in (("/dashboard/", "Dashboard"), ("/upload/", "Upload"), ("/chat/", "Chat")):
        assert f'href="{path}"' in front
        page = (await client.get(path)).text
        assert f"<title>{title} · asyncflask</title>" in page
        assert 'href="/"' in page
    assert all((PROJECT / "examples" / name / "__main__.py").exists() for name in commands)
    assert commands == {"api", "extensions", "migration"}


@pytest.mark.parametrize("path", ["/nowhere", "/posts/1", "/users/nobody", "/?page=2", "/?page=0"])
async def test_what_is_not_there_has_a_page_of_its_own(client, path):
    response = await client.get(path)

    assert response.status_code == 404
    assert '<p class="code">404</p>' in response.text


async def test_the_api_lists_and_gives_posts(ada, client):
    await ada.post("/posts/new", data=POST)

    listed = (await client.get("/api/posts")).json
    one = (await client.get("/api/posts/1")).json

    assert listed == {"posts": [one], "page": 1, "pages": 1}
    assert one["title"] == "On engines"
    assert one["author"] == "ada"
    assert one["url"] == "http://localhost/posts/1"


async def test_the_api_takes_a_post_from_a_session_or_a_password(ada, client):
    by_session = await ada.post("/api/posts", json={"title": "One"})
    by_password = await client.post("/api/posts", json={"title": "Two"}, auth=("ada", PASSWORD))

    assert (by_session.status_code, by_session.location) == (201, "/api/posts/1")
    assert (by_password.status_code, by_password.json["title"]) == (201, "Two")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"path": "/api/posts", "json": {"title": "x"}, "auth": ("ada", "wrong")}, 401),
        ({"path": "/api/posts", "json": ["title"], "auth": ("ada", PASSWORD)}, 400),
        ({"path": "/api/posts", "json": {"title": 1}, "auth": ("ada", PASSWORD)}, 422),
        ({"path": "/api/posts", "data": "title=x", "auth": ("ada", PASSWORD)}, 415),
        ({"path": "/api/posts/1", "method": "GET"}, 404),
        ({"path": "/api/nowhere", "method": "GET"}, 404),
        ({"path": "/api/posts", "method": "DELETE"}, 405),
    ],
)
async def test_errors_of_the_api_are_json(client, ada, request_, status):
    response = await client.open(**{"method": "POST", **request_})

    assert response.status_code == status
    assert set(response.json) == {"error", "description"}


async def test_the_api_says_how_to_log_in(client):
    response = await client.post("/api/posts", json={"title": "x"})

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Basic realm=blog"
