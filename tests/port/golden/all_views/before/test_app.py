from app import app


def test_index():
    with app.app_context():
        pass
    response = app.test_client().get("/")
    assert response.text == "1"
    assert response.headers["X-Name"] == "index"
