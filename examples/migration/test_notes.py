"""What the app does after each step. ``APP_URL`` is the address of the app that is served."""

import os

import httpx
import pytest


@pytest.fixture
def url():
    return os.environ.get("APP_URL", "http://127.0.0.1:5000")


@pytest.fixture
def client(url):
    with httpx.Client(base_url=url, follow_redirects=True, trust_env=False) as client:
        yield client


def test_a_note_is_added_and_shown(client):
    page = client.post("/notes", data={"text": " Buy <tea> "})

    assert page.url.path == "/"
    assert "Added." in page.text
    assert "<li>Buy &lt;tea&gt;</li>" in page.text
    assert client.get("/notes").json()[0]["text"] == "Buy <tea>"


def test_the_message_is_shown_once(client):
    client.post("/notes", data={"text": "Sleep"})

    assert "Added." not in client.get("/").text


def test_the_last_note_is_the_first_of_the_list(client):
    for text in ("one", "two"):
        client.post("/notes", data={"text": text})

    assert [note["text"] for note in client.get("/notes").json()[:2]] == ["two", "one"]


@pytest.mark.parametrize(("data", "status"), [({"text": " "}, 422), ({}, 400)])
def test_a_note_without_text_is_refused(client, data, status):
    before = client.get("/notes").json()

    assert client.post("/notes", data=data).status_code == status
    assert client.get("/notes").json() == before


def test_all_services_are_asked_for_the_weather(client):
    answers = client.get("/weather").json()

    assert answers == ["Here says: sun", "There says: sun", "Elsewhere says: sun"]


def test_what_is_not_there_is_a_404(client):
    assert client.get("/nowhere").status_code == 404
