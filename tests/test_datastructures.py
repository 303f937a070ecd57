"""Promises of ``asyncflask.datastructures``."""

from __future__ import annotations

import asyncio
import io
import pickle
import threading

import pytest
from werkzeug.datastructures import FileStorage as WerkzeugFileStorage
from werkzeug.datastructures import ImmutableMultiDict as WerkzeugImmutableMultiDict
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequestKeyError

from asyncflask import Flask, request, run_sync
from asyncflask.datastructures import FileStorage, ImmutableMultiDict, gather


@pytest.fixture
def upload():
    return FileStorage(io.BytesIO(b"data" * 10_000), "a.txt", "f", "text/plain")


async def test_saving_to_a_path_writes_the_whole_file(upload, tmp_path):
    await upload.save(tmp_path / "saved")

    assert (tmp_path / "saved").read_bytes() == b"data" * 10_000


async def test_saving_to_an_open_file_leaves_it_open(upload):
    target = io.BytesIO()
    await upload.save(target, buffer_size=7)

    assert target.getvalue() == b"data" * 10_000


async def test_saving_happens_off_the_loop(upload):
    threads = []

    class Target(io.BytesIO):
        def write(self, data):
            threads.append(threading.current_thread())
            return len(data)

    await upload.save(Target())

    assert threads
    assert threading.main_thread() not in threads


async def test_a_path_that_cannot_be_written_is_an_error(upload, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        await upload.save(tmp_path / "nowhere" / "saved")


async def test_loading_takes_the_contents_and_the_base_name(tmp_path):
    (tmp_path / "source.bin").write_bytes(b"data")
    upload = FileStorage()
    await upload.load(tmp_path / "source.bin")

    assert upload.read() == b"data"
    assert upload.filename == "source.bin"


def test_all_else_is_as_in_werkzeug(upload):
    assert isinstance(upload, WerkzeugFileStorage)
    assert upload.mimetype == "text/plain"
    assert upload.read(4) == b"data"


# -- ImmutableMultiDict ----------------------------------------------------------------------------


def test_arguments_and_fields_are_werkzeugs_immutable_dictionaries():
    made = ImmutableMultiDict([("a", "1"), ("a", "2"), ("b", "")])

    assert isinstance(made, WerkzeugImmutableMultiDict)
    assert made == WerkzeugImmutableMultiDict(made)
    assert repr(made) == repr(WerkzeugImmutableMultiDict(made))
    assert (made["a"], made["b"]) == ("1", "")
    assert made.get("a", type=int) == 1
    assert made.getlist("a") == ["1", "2"]
    assert pickle.loads(pickle.dumps(made)) == made
    assert hash(made) == hash(WerkzeugImmutableMultiDict(made))
    with pytest.raises(TypeError, match="'ImmutableMultiDict' objects are immutable"):
        made["a"] = "3"


def test_a_missing_key_is_werkzeugs_error():
    for empty in (ImmutableMultiDict(), ImmutableMultiDict({"a": []})):
        with pytest.raises(BadRequestKeyError, match="400 Bad Request"):
            empty["a"]
        assert empty.get("a", "default") == "default"


class Upper(MultiDict):
    """A class with its own constructor, which has to be called."""

    def __init__(self, pairs=()):
        super().__init__((key.upper(), value) for key, value in pairs)


@pytest.mark.parametrize("make", [MultiDict, ImmutableMultiDict, Upper])
def test_gathered_pairs_equal_the_result_of_the_constructor(make):
    pairs = [("a", "1"), ("b", "2"), ("a", "3")]

    assert gather(iter(pairs), make) == make(pairs)
    assert type(gather([], make)) is make
    assert list(gather(pairs, make).items(multi=True)) == list(make(pairs).items(multi=True))


@pytest.mark.parametrize("how", ["to_thread", "executor", "run_sync", "run", "loop"])
async def test_save_in_a_thread_saves(how, tmp_path):
    app, target = Flask(__name__), tmp_path / "photo.png"

    @app.post("/")
    async def upload():
        file = (await request.files)["photo"]
        if how == "to_thread":
            await asyncio.to_thread(file.save, target)
        elif how == "executor":
            await asyncio.get_running_loop().run_in_executor(None, file.save, target)
        elif how == "run_sync":
            await run_sync(file.save)(target)
        elif how == "run":
            await asyncio.to_thread(lambda: asyncio.run(file.save(target)))
        else:
            await asyncio.create_task(file.save(target))
        return "saved"

    data = {"photo": (io.BytesIO(b"bytes"), "photo.png")}
    response = await app.test_client().post("/", data=data)

    assert (response.status_code, target.read_bytes()) == (200, b"bytes")


async def test_save_in_a_thread_raises_there(tmp_path):
    file = FileStorage(io.BytesIO(b"bytes"), "photo.png")

    with pytest.raises(FileNotFoundError):
        await asyncio.to_thread(file.save, tmp_path / "missing" / "photo.png")
