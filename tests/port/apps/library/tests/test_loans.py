import pytest


@pytest.fixture
def lent(member, numbers):
    """A book that the member has borrowed."""
    number = numbers["Dune"]
    member.post(f"/loans/{number}")
    return number


def test_lend(member, numbers):
    response = member.post(f"/loans/{numbers['It']}")
    assert response.status_code == 201
    assert response.json["until"] == "2024-01-15"


@pytest.mark.parametrize("body", [{"json": {"days": 1}}, {"data": {"days": "1"}}])
def test_lend_for_a_day(member, numbers, body):
    response = member.post(f"/loans/{numbers['It']}", **body)
    assert response.json["until"] == "2024-01-02"


def test_lent_is_lent(member, lent):
    again = member.post(f"/loans/{lent}")
    assert again.status_code == 409
    assert again.json == {"error": "The book is lent."}
    assert ", lent" in member.get(f"/books/{lent}").text


def test_give_back(member, lent):
    assert len(member.get("/loans/").json) == 1
    assert member.delete(f"/loans/{lent}").json["returned"] is True
    assert member.get("/loans/").json == []
    assert member.delete(f"/loans/{lent}").status_code == 409


def test_lend_many(member, lent, numbers):
    wanted = {"books": [lent, numbers["Emma"]]}
    response = member.post("/loans/", json=wanted)
    assert response.json == {"lent": [numbers["Emma"]], "refused": [lent]}


def test_visitors(client):
    assert client.get("/loans/").status_code == 302
