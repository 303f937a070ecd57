"""The example of uploads: a body that is streamed to the disk, its limits, and its end."""

from __future__ import annotations

import asyncio

import pytest

from examples.upload import create_app

CONTENT = bytes(range(256)) * 1000


@pytest.fixture
def app(tmp_path):
    config = {"MAX_CONTENT_LENGTH": 300_000, "KEPT": 3, "TESTING": True}
    return create_app(config, instance_path=str(tmp_path))


@pytest.fixture
def folder(app, tmp_path):
    return tmp_path / "uploads"


@pytest.fixture
def client(app):
    return app.test_client()


async def test_a_file_comes_back_as_it_was_sent(client):
    sent = await client.put("/files/all.bin", data=CONTENT)
    back = await client.get(sent.json["url"])

    assert sent.status_code == 201
    assert sent.json == {"name": "all.bin", "size": len(CONTENT), "url": "/files/all.bin"}
    assert back.data == CONTENT
    assert "all.bin" in (await client.get("/")).text


async def test_a_page_that_was_uploaded_does_not_run(client):
    await client.put("/files/page.html", data="<script>alert(1)</script>")

    response = await client.get("/files/page.html")

    assert response.headers["Content-Disposition"] == "attachment; filename=page.html"


async def test_pieces_are_written_as_they_come(client, folder):
    async with client.request("/files/slow.txt", method="PUT") as connection:
        await connection.send(CONTENT)
        while not sum(path.stat().st_size for path in folder.iterdir()):
            await asyncio.sleep(0.01)
        assert not (folder / "slow.txt").exists()
        await connection.send_complete()
    response = await connection.as_response()

    assert response.status_code == 201
    assert (folder / "slow.txt").read_bytes().startswith(CONTENT)


async def test_of_an_upload_that_is_cancelled_nothing_is_left(client, folder):
    async with client.request("/files/half.txt", method="PUT") as connection:
        await connection.send(CONTENT)
        await connection.disconnect()

    assert list(folder.iterdir()) == []


async def test_a_file_that_is_too_large_is_refused_and_nothing_is_left(client, folder):
    response = await client.put("/files/large.bin", data=bytes(300_001))

    assert response.status_code == 413
    assert response.json == {"error": "The file is too large: at most 0.3 MB are taken."}
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "status", "stored"),
    [
        ("..%2fpasswd", 404, set()),
        ("..%5c..%5cpasswd", 201, {"passwd"}),
        (".hidden", 201, {"hidden"}),
    ],
)
async def test_no_name_leads_out_of_the_folder_or_hides(client, folder, name, status, stored):
    response = await client.put(f"/files/{name}", data="x")

    assert response.status_code == status
    assert {path.name for path in folder.iterdir()} == stored
    assert not (folder.parent / "passwd").exists()


async def test_a_name_without_letters_is_refused(client):
    response = await client.put("/files/...", data="x")

    assert response.status_code == 400
    assert response.json == {"error": "Give the file a name of letters and digits."}


async def test_only_the_newest_files_are_kept(client, folder):
    for number in range(5):
        await client.put(f"/files/{number}.txt", data="x")

    assert len(list(folder.iterdir())) == 3
    assert (folder / "4.txt").exists()
