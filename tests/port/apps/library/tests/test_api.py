import hashlib
import hmac
import io

import pytest
from flask import request

from library.reading import field, page

TOKEN = {"Authorization": "Bearer secret"}


def signed(client, path, body, key=b"only for tests"):
    signature = hmac.new(key, body, hashlib.sha256).hexdigest()
    headers = {"X-Signature": signature, "Content-Type": "application/json"}
    return client.post(path, data=body, headers=headers)


def test_books(client):
    assert client.get("/api/books").status_code == 401
    made = client.post("/api/books", json={"title": "T", "author": "A"}, headers=TOKEN)
    assert made.status_code == 201
    path = f"/api/books/{made.json['number']}"
    assert client.get(path, headers=TOKEN).json["title"] == "T"
    assert client.put(path, json={"title": "U"}, headers=TOKEN).json["title"] == "U"
    assert client.delete(path, headers=TOKEN).status_code == 204
    assert client.get(path, headers=TOKEN).status_code == 404
    assert len(client.get("/api/books", headers=TOKEN).get_json()) == 4


def test_missing_names(client):
    response = client.post("/api/books", json={"title": "T"}, headers=TOKEN)
    assert response.json["error"] == "missing: author"


def test_echo(client):
    assert client.post("/api/echo", json=[1]).json == {"json": [1]}
    data = {"a": "b", "f": (io.BytesIO(b"x"), "x.txt")}
    assert client.post("/api/echo", data=data).json == {"form": {"a": "b"}, "files": ["f"]}
    text = client.post("/api/echo", data="text", content_type="text/plain").json
    assert text == {"data": "text", "length": 4}


def test_hook(client, app):
    assert signed(client, "/hook", b'{"kind": "book", "title": "H"}').json == {"kind": "book"}
    assert app.extensions["library"].search("hook")[0].title == "H"
    assert signed(client, "/hook", b"{}", key=b"wrong").status_code == 403
    assert signed(client, "/hook/raw", b"abc").data == b"cba"


def test_reports(librarian, client):
    assert librarian.get("/reports/books.csv").text.splitlines()[:2] == ["title,author", "Emma,Austen"]
    assert client.post("/reports/echo", data={"line": ["a", "b"]}).text == "a\nb\n"
    total = client.post("/reports/sum", data={"n": ["1", "2.5", "3"]})
    assert total.json == {"sum": 6.5, "largest": [3.0, 2.5]}


def test_admin(librarian):
    assert librarian.post("/admin/rename", data={"old": "It", "new": "That"}).json == {"renamed": 1}
    assert len(librarian.post("/admin/tidy", data={"tag": "old"}).json["removed"]) == 2


def test_command(runner):
    assert runner.invoke(args=["seed", "2"]).output == "6 books\n"


def test_helpers_outside_of_views(app):
    with app.test_request_context("/?page=3"):
        assert page() == 3
    with app.test_request_context(method="POST", data={"a": " b "}):
        assert field("a") == "b"
        assert request.form["a"] == " b "


@pytest.mark.parametrize("size", [1, 300])
def test_sizes(app, size):
    with app.test_client() as client:
        response = client.post("/api/echo", data="x" * size, content_type="text/plain")
        assert response.json["length"] == size
        assert request.method == "POST"
