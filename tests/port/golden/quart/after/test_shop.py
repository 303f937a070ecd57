from shop import app


async def test_greet():
    client = app.test_client()
    response = await client.post("/greet", form={"name": "Ada"})
    assert response.get_data(as_text=True) == "Hello, Ada."
    assert (await client.get("/nowhere")).get_json() is None
    assert not client.cookie_jar
