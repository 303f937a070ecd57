import pytest

from library import create_app
from library.auth import digest


@pytest.fixture
def app(tmp_path):
    """The app with some books, a member and a librarian."""
    app = create_app(
        {"TESTING": True, "COVERS": str(tmp_path), "AUDIT": str(tmp_path / "audit.sqlite")}
    )
    data = app.extensions["library"]
    data.add_member("Ada Byron", digest("pw"))
    data.add_member("Libby", digest("pw"), is_librarian=True)
    for title, author in [("Emma", "Austen"), ("Dune", "Herbert"), ("Ulysses", "Joyce"), ("It", "King")]:
        data.add_book(title, author, tags=["old"] if author in {"Austen", "Joyce"} else [])
    yield app


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def runner(app):
    return app.test_cli_runner()


class Accounts:
    """Logs in and out."""

    def __init__(self, client):
        self._client = client

    def login(self, name="Ada Byron", password="pw"):
        return self._client.post("/auth/login", data={"name": name, "password": password})

    def logout(self):
        return self._client.post("/auth/logout")


@pytest.fixture
def accounts(client):
    return Accounts(client)


@pytest.fixture
def member(client, accounts):
    """A client that is logged in."""
    accounts.login()
    return client


@pytest.fixture
def librarian(client, accounts):
    accounts.login("Libby")
    yield client
    accounts.logout()


@pytest.fixture
def numbers(app):
    """The books' numbers by their titles."""
    return {book.title: book.number for book in app.extensions["library"].books.values()}
