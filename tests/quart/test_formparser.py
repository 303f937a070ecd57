"""Parsers of forms that are called, subclassed and configured."""

from __future__ import annotations

from io import BytesIO

import pytest
from werkzeug.datastructures import Headers, ImmutableMultiDict
from werkzeug.exceptions import RequestEntityTooLarge

import asyncflask.quart.formparser

MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n'
    b'--x\r\nContent-Disposition: form-data; name="f"; filename="f.txt"\r\n'
    b"Content-Type: text/plain\r\n\r\nfile\r\n--x--\r\n"
)
FORMS = {
    "multipart/form-data": (MULTIPART, {"boundary": "x"}),
    "application/x-www-form-urlencoded": (b"a=b", {}),
}


@pytest.fixture
def parsers(module):
    return module("formparser")


@pytest.fixture
def body_of(module):
    def body_of(data):
        body = module("wrappers.request").Body(None, None)
        body.append(data)
        body.set_complete()
        return body

    return body_of


@pytest.mark.parametrize("mimetype", FORMS)
async def test_a_form_is_parsed(parsers, body_of, mimetype):
    data, options = FORMS[mimetype]
    parser = parsers.FormDataParser(cls=ImmutableMultiDict)
    fields, files = await parser.parse(body_of(data), mimetype, len(data), options)

    assert fields.to_dict() == {"a": "b"}
    assert isinstance(files, ImmutableMultiDict)
    if options:
        assert (files["f"].filename, files["f"].read()) == ("f.txt", b"file")
        assert files["f"].content_type == "text/plain"
        files["f"].close()


async def test_a_body_of_another_media_type_is_no_form(parsers, body_of):
    parser = parsers.FormDataParser()

    assert parser.get_parse_func("text/plain", {}) is None
    assert await parser.parse(body_of(b"a=b"), "text/plain", 3) == ({}, {})


@pytest.mark.parametrize("silent", [True, False])
async def test_a_malformed_form_is_empty_or_an_error(parsers, body_of, silent):
    parser = parsers.FormDataParser(silent=silent)
    parsing = parser.parse(body_of(MULTIPART), "multipart/form-data", None, {})

    if silent:
        assert await parsing == ({}, {})
    else:
        with pytest.raises(ValueError, match=r"(?i)boundary"):
            await parsing


@pytest.mark.parametrize(
    ("mimetype", "limits"),
    [
        ("multipart/form-data", {"max_content_length": 2}),
        ("multipart/form-data", {"max_form_memory_size": 0}),
        ("multipart/form-data", {"max_form_parts": 1}),
    ],
)
async def test_a_form_beyond_a_limit_is_a_413(parsers, body_of, mimetype, limits):
    data, options = FORMS[mimetype]
    parser = parsers.FormDataParser(**limits)

    with pytest.raises(RequestEntityTooLarge, match="413"):
        await parser.parse(body_of(data), mimetype, len(data), options)


async def test_an_announced_length_beyond_the_limit_is_a_413_before_the_body():
    """Quart's parser leaves this to the body."""
    parser = asyncflask.quart.formparser.FormDataParser(max_content_length=2)

    with pytest.raises(RequestEntityTooLarge, match="3 bytes; 2 are accepted"):
        await parser.parse(None, "application/x-www-form-urlencoded", 3)


async def test_uploads_go_where_the_stream_factory_says(parsers, body_of):
    opened = []

    def stream_factory(total, content_type, filename, content_length=None):
        opened.append((total, content_type, filename))
        return BytesIO()

    parser = parsers.FormDataParser(stream_factory=stream_factory)
    data, options = FORMS["multipart/form-data"]
    await parser.parse(body_of(data), "multipart/form-data", len(data), options)

    assert opened == [(len(data), "text/plain", "f.txt")]


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [("text/plain; charset=iso-8859-1", "iso-8859-1"), ("text/plain; charset=odd", "utf-8")],
)
def test_a_part_may_name_a_safe_encoding(parsers, content_type, charset):
    parser = parsers.MultiPartParser()

    assert parser.get_part_charset(Headers({"content-type": content_type})) == charset


def test_a_parser_refuses_by_fail(parsers):
    with pytest.raises(ValueError, match="no end"):
        parsers.MultiPartParser().fail("no end")


@pytest.mark.parametrize("how", ["class", "method"])
async def test_a_request_may_have_its_own_parser(quart, parsers, app, how):
    class Parser(parsers.FormDataParser):
        async def parse(self, *args, **kwargs):
            fields, files = await super().parse(*args, **kwargs)
            return self.cls({**fields, "by": "parser"}), files

    class Request(quart.Request):
        if how == "class":
            form_data_parser_class = Parser
        else:

            def make_form_data_parser(self):
                return Parser(cls=self.parameter_storage_class)

    app.request_class = Request

    @app.post("/")
    async def index():
        return (await quart.request.form).to_dict()

    response = await app.test_client().post("/", form={"a": "b"})

    assert await response.get_json() == {"a": "b", "by": "parser"}
