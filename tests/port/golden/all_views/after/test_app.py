from app import app


async def test_index():
    async with app.app_context():
        pass
    response = await app.test_client().get("/")
    assert response.text == "1"
    assert response.headers["X-Name"] == "index"
