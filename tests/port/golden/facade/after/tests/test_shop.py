from asyncflask.flask.testing import FlaskClient
from shop import create_app


def test_cart() -> None:
    client: FlaskClient = create_app().test_client()
    assert client.get("/cart").status_code == 404
