def test_me(member):
    assert member.get("/me").json["name"] == "Ada Byron"
    assert "<p>AB</p>" in member.get("/books/").text


def test_change_me(member):
    assert member.patch("/me", json={"email": "ada@example.org"}).json["email"] == "ada@example.org"
    assert member.patch("/me", json={"email": "nowhere"}).status_code == 422
    assert member.patch("/me", json={}).json["error"] == "missing: email"
    assert member.patch("/me", data="[").status_code == 400


def test_role(librarian, app):
    ada = app.extensions["library"].member_named("Ada Byron")
    assert librarian.get(f"/members/{ada.number}").json["is_librarian"] is False
    response = librarian.put(f"/members/{ada.number}/role", json={"librarian": True})
    assert response.json["is_librarian"] is True
    assert "password" not in response.json


def test_find(client):
    data = {"name": ["libby", "nobody"]}
    assert client.post("/members/find", data=data).json == {"found": ["Libby"], "asked": 1}
