import io

import pytest


def titles(client, path):
    return client.get(path, headers={"Accept": "application/json"}).json


def add(client, **fields):
    return client.post("/books/", data=fields)


def picture(content=b"png"):
    return io.BytesIO(content), "a picture.png"


class TestCatalogue:
    def test_pages(self, client):
        first = titles(client, "/books/")
        assert [book["title"] for book in first["books"]] == ["Dune", "Emma", "It"]
        assert [book["title"] for book in titles(client, "/books/?page=2")["books"]] == ["Ulysses"]

    def test_html(self, client, numbers):
        assert "<li>Dune</li>" in client.get("/books/").text
        assert "Austen, old" in client.get(f"/books/{numbers['Emma']}").text

    def test_missing(self, client):
        assert client.get("/books/999").status_code == 404
        assert titles(client, "/books/999") == {"error": "book 999"}

    def test_search(self, client):
        assert client.get("/books/search?q=du").json == ["Dune"]
        found = [client.post("/books/search", data={"q": text}).json for text in ("joyce", "old")]
        assert found == [["Ulysses"], ["Emma", "Ulysses"]]

    def test_labels(self, client):
        data = {"label_title": "emma", "label_author": "austen", "shelf": "b2"}
        assert client.post("/books/labels", data=data).json == {
            "title": "EMMA",
            "author": "AUSTEN",
            "shelf": "b2",
        }
        del data["shelf"]
        assert client.post("/books/labels", data=data).status_code == 422


class TestEditing:
    def test_add(self, librarian):
        response = add(librarian, title="Persuasion", author="Austen", year="1817", tag="old, sea")
        assert response.status_code == 302
        page = librarian.get(response.headers["Location"]).text
        assert "Austen, old sea" in page

    def test_wrong_year(self, librarian):
        assert add(librarian, title="X", year="long ago").json["error"] == "year is not a number"

    def test_only_librarians(self, member):
        response = add(member, title="X")
        assert (response.status_code, response.text) == (403, "Only for librarians.")

    def test_visitors_log_in(self, client):
        assert add(client, title="X").headers["Location"] == "/auth/login"

    def test_edit(self, librarian, numbers):
        path = f"/books/{numbers['It']}/edit"
        assert 'value="It"' in librarian.get(path).text
        librarian.post(path, data={"title": "Misery", "author": "King"})
        assert "Misery" in librarian.get(f"/books/{numbers['It']}").text

    def test_a_long_title_is_shown_again(self, librarian, numbers):
        response = librarian.post(f"/books/{numbers['It']}/edit", data={"title": "x" * 51})
        assert response.status_code == 422
        assert "x" * 51 in response.text

    def test_delete(self, librarian, numbers):
        assert librarian.post(f"/books/{numbers['It']}/delete", data={"reason": "old"}).status_code == 204
        assert librarian.get("/admin/log").json == [f"removed {numbers['It']}: old", "log read"]

    def test_import(self, librarian):
        response = librarian.post("/books/import", data="A; B\nC", content_type="text/plain")
        assert len(response.json["numbers"]) == 2
        assert response.json["bytes"] == 6


class TestCovers:
    def test_cover(self, librarian, numbers):
        path = f"/books/{numbers['It']}/cover"
        assert librarian.get(path).status_code == 404
        stored = librarian.post(path, data={"picture": picture()})
        assert stored.json == {"cover": f"{numbers['It']}-a_picture.png"}
        assert librarian.get(path).data == b"png"

    def test_no_picture(self, librarian, numbers):
        assert librarian.post(f"/books/{numbers['It']}/cover").status_code == 422

    def test_several(self, librarian, numbers):
        wanted = [str(numbers[title]) for title in ("It", "Emma")]
        data = {number: picture(number.encode()) for number in wanted}
        assert librarian.post("/books/covers", data=data).json["stored"] == sorted(map(int, wanted))
        for number in wanted:
            assert librarian.get(f"/books/{number}/cover").data == number.encode()


@pytest.mark.parametrize("path", ["/nowhere", "/books/x", "/api/nothing"])
def test_unknown_paths(client, path):
    assert client.get(path).status_code == 404
