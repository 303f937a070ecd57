import pytest
from app import app


@pytest.mark.parametrize(
    ("path", "said"),
    [
        *(("sorted", "bb,a"), ("field", "1"), ("already", "1"), ("thread", "")),
        *(("required", "1"), ("run", "1"), ("run-other", "1")),
    ],
)
async def test_a_view(path, said):
    response = await app.test_client().post(f"/{path}", data={"a": "1", "bb": "22"})

    assert response.text == said
