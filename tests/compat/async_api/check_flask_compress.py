"""Flask-Compress on the async API, with ``async def`` views.

Streams of ``def`` generators are compressed. A stream of an ``async def`` generator cannot be compressed, because the
extension iterates it synchronously. ``COMPRESS_STREAMS = False`` sends it uncompressed.
"""

import gzip
import zlib

import pytest
from flask_compress import Compress

from asyncflask import Flask

TEXT = "tea " * 1000


@pytest.fixture
def app():
    app = Flask(__name__)

    @app.get("/")
    async def view():
        return TEXT

    @app.get("/short")
    async def short():
        return "tea"

    @app.get("/json")
    async def json():
        return {"text": TEXT}

    @app.get("/stream")
    async def stream():
        async def pieces():
            for _ in range(1000):
                yield "tea "

        return pieces(), {"Content-Type": "text/html"}

    return app


async def fetched(app, path="/", encoding="gzip"):
    return await app.test_client().get(path, headers={"Accept-Encoding": encoding})


async def test_a_text_is_compressed(app):
    Compress(app)
    response = await fetched(app)

    assert response.headers["Content-Encoding"] == "gzip"

    assert gzip.decompress(response.data).decode() == TEXT

    assert "Accept-Encoding" in response.headers["Vary"]


async def test_json_is_compressed(app):
    Compress(app)

    assert (await fetched(app, "/json")).headers["Content-Encoding"] == "gzip"


async def test_deflate(app):
    Compress(app)

    assert zlib.decompress((await fetched(app, encoding="deflate")).data).decode() == TEXT


async def test_what_is_short_or_not_asked_for_stays_as_it_is(app):
    Compress(app)

    assert "Content-Encoding" not in (await fetched(app, "/short")).headers

    assert (await fetched(app, encoding="identity")).text == TEXT


async def test_one_view_alone(app):
    app.config["COMPRESS_REGISTER"] = False
    compress = Compress(app)

    @app.get("/one")
    @compress.compressed()
    def one():
        return TEXT

    assert (await fetched(app, "/one")).headers["Content-Encoding"] == "gzip"

    assert "Content-Encoding" not in (await fetched(app)).headers


async def test_a_stream_of_a_def_generator(app):
    Compress(app)

    @app.get("/pieces")
    async def pieces():
        return (piece for piece in ["tea "] * 1000), {"Content-Type": "text/html"}

    response = await fetched(app, "/pieces", "deflate")

    assert response.headers["Content-Encoding"] == "deflate"

    assert zlib.decompress(response.data).decode() == TEXT


async def test_a_stream_of_an_async_generator_is_sent_as_it_is(app):
    app.config["COMPRESS_STREAMS"] = False
    Compress(app)
    response = await fetched(app, "/stream", "deflate")

    assert (response.text, "Content-Encoding" in response.headers) == (TEXT, False)
