"""Files that are opened by an app or a blueprint: their methods are awaited."""

from __future__ import annotations

import pytest


@pytest.fixture
def app(quart, tmp_path):
    (tmp_path / "lines.txt").write_text("one\ntwo\nthree\n")
    return quart.Quart("tests", root_path=str(tmp_path), instance_path=str(tmp_path))


async def test_a_file_is_read_in_each_way(app):
    async with await app.open_resource("lines.txt", "r") as file:
        first = await file.readline()
        rest = await file.readlines()
        await file.seek(0)
        begun = await file.read(3)
        place = await file.tell()
        await file.seek(0)
        lines = [line async for line in file]

    assert (first, rest) == ("one\n", ["two\n", "three\n"])
    assert (begun, place) == ("one", 3)
    assert lines == ["one\n", "two\n", "three\n"]
    assert file.closed


async def test_a_resource_is_only_read(app):
    with pytest.raises(ValueError, match=r".+"):
        await app.open_resource("lines.txt", "w")


async def test_a_file_of_the_instance_folder_is_written(app, tmp_path):
    async with await app.open_instance_resource("new.txt", "w") as file:
        assert await file.write("four") == 4
        await file.flush()
        text = (tmp_path / "new.txt").read_text()
        name = file.name

    assert (text, str(name)) == ("four", str(tmp_path / "new.txt"))
    assert (tmp_path / "new.txt").read_text() == "four"


async def test_a_blueprint_has_files_of_its_own(quart, app, tmp_path):
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "a.txt").write_text("static")
    blueprint = quart.Blueprint("b", "tests", root_path=str(tmp_path), static_folder="static")

    async with await blueprint.open_resource("lines.txt") as file:
        assert await file.read() == b"one\ntwo\nthree\n"
    async with app.test_request_context("/"):
        response = await blueprint.send_static_file("a.txt")
        assert await response.get_data() == b"static"
