import pytest
from flask import g, session


def test_register(client, app):
    assert client.get("/auth/register").status_code == 200
    response = client.post("/auth/register", data={"name": "Eve", "password": "x", "email": "e@x"})
    assert response.headers["Location"] == "/auth/login"
    assert response.headers["X-Form"] == "register"
    assert app.extensions["library"].member_named("Eve").email == "e@x"


def test_the_page_shows_what_was_entered(client):
    response = client.post("/auth/register", data={"name": "Libby", "password": "x"})
    assert b'value="Libby"' in response.data
    assert "is taken" in response.text


def test_a_missing_field_is_named(client):
    response = client.post("/auth/register", data={"name": " "})
    assert response.status_code == 422
    assert response.json == {"error": "name is missing", "fields": ["name"]}


def test_login(client, accounts):
    response = accounts.login()
    assert response.headers["Location"] == "/books/"
    with client:
        client.get("/me")
        assert session["member"] == g.member.number
        assert g.member.name == "Ada Byron"


@pytest.mark.parametrize(("name", "password"), [("Nobody", "pw"), ("Libby", "wrong")])
def test_login_is_refused(accounts, name, password):
    response = accounts.login(name, password)
    assert b"is wrong" in response.data


def test_logout(member, accounts):
    with member:
        accounts.logout()
        assert "member" not in session
    assert member.get("/me").status_code == 302


def test_password(member, accounts):
    assert member.post("/auth/password", data={"old": "no", "new": "x"}).status_code == 403
    assert member.post("/auth/password", data={"old": "pw", "new": "x"}).status_code == 204
    accounts.logout()
    assert accounts.login(password="x").status_code == 302


def test_a_robot_is_refused(client):
    assert client.post("/auth/login", data={"trap": "1"}).status_code == 400


def test_visits_are_counted(client):
    first = client.get("/health?visits")
    second = client.get("/health?visits")
    assert (first.headers["X-Visits"], second.headers["X-Visits"]) == ("1", "2")
    assert second.headers["X-Steps"] == "begin,end"
    with client.session_transaction() as saved:
        assert saved["visits"] == 2
