"""The example of a REST API: books by SQLAlchemy's asyncio extension, and the OpenAPI document."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from .serving import example

pytest.importorskip("flask_smorest", reason="pip install -r requirements/dev.txt")

EMMA = {"title": "Emma", "author": "Jane Austen", "year": 1815}


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with example("api", tmp_path_factory.mktemp("api")) as url:
        yield url


@pytest.fixture
def client(url):
    with httpx.Client(base_url=url, trust_env=False) as client:
        yield client


def test_a_book_is_added_changed_and_deleted(client):
    added = client.post("/books/", json=EMMA)
    path = f"/books/{added.json()['id']}"
    changed = client.patch(path, json={"year": 1816})
    shown = client.get(path)
    deleted = client.delete(path)

    assert (added.status_code, added.json()) == (201, {**EMMA, "id": added.json()["id"]})
    assert changed.json() == shown.json() == {**added.json(), "year": 1816}
    assert (deleted.status_code, client.get(path).status_code) == (204, 404)


def test_books_are_sorted_and_come_in_pages(client):
    first = client.get("/books/", params={"sort": "year", "page_size": 2})
    second = client.get("/books/", params={"sort": "year", "page_size": 2, "page": 2})

    assert [book["title"] for book in first.json()] == ["Frankenstein", "Middlemarch"]
    assert [book["title"] for book in second.json()] == ["Orlando"]
    assert json.loads(first.headers["X-Pagination"])["total"] == 3


def test_books_of_one_author_are_listed(client):
    (book,) = client.get("/books/", params={"author": "George Eliot"}).json()

    assert book["title"] == "Middlemarch"


@pytest.mark.parametrize(
    ("change", "field"), [({"title": ""}, "title"), ({"year": "soon"}, "year"), ({"x": 1}, "x")]
)
def test_what_is_wrong_is_named_and_nothing_is_stored(client, change, field):
    before = client.get("/books/").json()

    response = client.post("/books/", json={**EMMA, **change})

    assert response.status_code == 422
    assert set(response.json()["errors"]["json"]) == {field}
    assert client.get("/books/").json() == before


def test_an_order_that_does_not_exist_is_refused(client):
    response = client.get("/books/", params={"sort": "password"})

    assert response.status_code == 422
    assert set(response.json()["errors"]["query"]) == {"sort"}


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_book_that_does_not_exist_is_a_404(client, method):
    body = {"json": {"year": 1900}} if method == "PATCH" else {}

    response = client.request(method, "/books/1000", **body)

    assert response.status_code == 404
    assert response.json()["message"] == "There is no book 1000."


def test_requests_at_once_have_sessions_of_their_own(client):
    def add(number):
        return client.post("/books/", json={**EMMA, "title": f"Emma {number}"}).json()["id"]

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(add, range(16)))
    titles = [client.get(f"/books/{number}").json()["title"] for number in numbers]
    for number in numbers:
        client.delete(f"/books/{number}")

    assert titles == [f"Emma {number}" for number in range(16)]


def test_the_document_describes_every_operation(client):
    document = client.get("/openapi.json").json()
    operations = {
        (verb, path)
        for path, item in document["paths"].items()
        for verb in item
        if verb != "parameters"
    }
    book = document["components"]["schemas"]["Book"]

    assert document["openapi"] == "3.1.0"
    assert operations == {
        *(("get", "/books/"), ("post", "/books/")),
        *((verb, "/books/{number}") for verb in ("get", "patch", "delete")),
    }
    assert set(book["required"]) == {"title", "author", "year"}
    assert book["properties"]["id"]["readOnly"] is True
