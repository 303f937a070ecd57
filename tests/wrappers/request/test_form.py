"""Promises of ``asyncflask.wrappers.request.form``; Werkzeug's synchronous parser is the oracle."""

from __future__ import annotations

import asyncio
import io
import os
import tempfile
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, ClientDisconnected, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser as WerkzeugParser
from werkzeug.test import encode_multipart

from asyncflask.wrappers.request.body import Body
from asyncflask.wrappers.request.body_bytes import SLICE
from asyncflask.wrappers.request.form import MULTIPART, URLENCODED, FormDataParser, parse_form
from asyncflask.wrappers.request.multipart_form import MAX_HEADER_SIZE, FormLimits, MultipartForm
from asyncflask.wrappers.request.upload import SPOOL_SIZE, Upload

OPTIONS = {"boundary": "bound"}
DEFAULTS = FormLimits(500_000, 1000)


@pytest.fixture(scope="module")
def run():
    """Run a coroutine, many times in a test."""
    with asyncio.Runner() as runner:
        yield runner.run


def part(name, data=b"", filename=None, extra=b""):
    disposition = f'Content-Disposition: form-data; name="{name}"'
    if filename is not None:
        disposition += f'; filename="{filename}"'
    return b"--bound\r\n" + disposition.encode() + b"\r\n" + extra + b"\r\n" + data + b"\r\n"


END = b"--bound--\r\n"


def body_of(data, size=None):
    """Make a body that arrives in pieces of ``size`` bytes."""
    size = size or max(1, len(data))
    pieces = [data[start : start + size] for start in range(0, len(data), size)] or [b""]

    async def receive():
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    return Body(receive)


async def parse_async(data, mimetype=MULTIPART, limits=DEFAULTS, size=None, options=OPTIONS):
    return await parse_form(body_of(data, size), mimetype, options, limits)


async def parse_sync(data, mimetype=MULTIPART, limits=DEFAULTS, size=None, options=OPTIONS):
    parser = FormDataParser(
        max_form_memory_size=limits.memory, max_form_parts=limits.parts, silent=False
    )
    return parser.parse(io.BytesIO(data), mimetype, len(data), options)[1:]


@pytest.fixture(params=[parse_async, parse_sync])
def parse(request):
    """The two drivers: every promise about forms holds for both."""
    return request.param


def read(result):
    """Fields, and the files' contents; closes the files."""
    fields, files = result
    contents = []
    for name, file in files.items(multi=True):
        contents.append((name, file.filename, file.content_type, file.stream.read()))
        file.close()
    return list(fields.items(multi=True)), contents


def werkzeugs(data, mimetype=MULTIPART, options=OPTIONS):
    return read(WerkzeugParser().parse(io.BytesIO(data), mimetype, len(data), options)[1:])


# -- as Werkzeug does ------------------------------------------------------------------------------

SAMPLES = {
    "nothing": b"",
    "no parts": END,
    "a field": part("a", b"1") + END,
    "an empty field": part("a") + END,
    "the same name twice": part("a", b"1") + part("a", b"2") + END,
    "a file": part("f", b"data", "x.txt", b"Content-Type: text/plain\r\n") + END,
    "an empty file input": part("f", b"", "") + END,
    "utf-8": part("ü", "é€".encode(), "ñ.txt") + END,
    "latin-1": part("a", b"\xe9", extra=b"Content-Type: text/plain; charset=iso-8859-1\r\n") + END,
    "an unsafe charset": part("a", b"x", extra=b"Content-Type: text/plain; charset=zip\r\n") + END,
    "preamble and epilogue": b"to be ignored\r\n" + part("a", b"1") + END + b"and this",
    "a field whose data end in a line break": part("a", b"1\r\n") + part("b", b"\r\n") + END,
    "no line break before a delimiter": part("f", b"", "x")[:-2] + part("a")[:-2] + END,
    "delimiters with white space": (part("f", b"1", "x") + part("a", b"2") + END).replace(
        b"--bound\r", b"--bound \t\r"
    ),
    "line feeds before delimiters": (part("f", b"1", "x") + part("a", b"2") + END).replace(
        b"\r\n--bound", b"\n--bound"
    ),
    "line feeds only": (part("a", b"1") + part("b", b"2") + END).replace(b"\r\n", b"\n"),
    "looks like a boundary": part("f", b"--bound and\r\n--boun\r\n--bound? \r\n", "x") + END,
    "filename*": part("f", b"", extra=b"").replace(
        b'name="f"', b"name=\"f\"; filename*=UTF-8''%e2%82%ac.txt"
    )
    + END,
    "a file that begins with CR LF": part("f", b"\r\n" * 100 + b"x" * 300_000, "x") + END,
    "a file of line breaks": part("f", b"\r\n" * 200_000, "x") + END,
    "large": part("f", os.urandom(SPOOL_SIZE * 2), "x") + part("a", b"1") + END,
}


@pytest.mark.parametrize("size", [None, 1000, SLICE])
@pytest.mark.parametrize("name", SAMPLES)
async def test_a_form_is_parsed_as_werkzeug_does(parse, name, size):
    data = SAMPLES[name]

    assert read(await parse(data, size=size)) == werkzeugs(data)


@pytest.mark.parametrize("name", [name for name in SAMPLES if len(SAMPLES[name]) < 1000])
async def test_a_form_that_comes_byte_by_byte_is_the_same(name):
    data = SAMPLES[name]

    assert read(await parse_async(data, size=1)) == werkzeugs(data)


def fed(pieces):
    """Parse a form from exactly these pieces, which a body would join."""
    form = MultipartForm(OPTIONS, DEFAULTS, lambda _: Upload())
    try:
        for piece in filter(None, pieces):
            form.feed(piece)
        form.finish()
    except BadRequest:
        return BadRequest
    files = [
        (file.name, file.filename, file.headers.get("content-type"), upload.stream().read())
        for file, upload in form.files
    ]
    return form.fields, files


SHORT = [name for name in SAMPLES if len(SAMPLES[name]) < 500]


@pytest.mark.parametrize("name", SHORT)
def test_a_form_is_the_same_wherever_it_is_cut(name):
    data = SAMPLES[name]
    expected = werkzeugs(data)

    for at in range(len(data) + 1):
        assert fed([data[:at], data[at:]]) == expected, data[:at]
    assert fed([data[at : at + 1] for at in range(len(data))]) == expected


file_data = st.lists(
    st.sampled_from([b"\r\n", b"\n", b"\r", b"--bound", b"--", b"x", b"--bound--", b" ", b"y" * 70])
).map(b"".join)


PARTS = st.lists(st.tuples(st.booleans(), file_data), max_size=4)


def form_of(parts):
    """A form, and what Werkzeug says of it. Data may contain boundaries: then it is malformed."""
    data = b"".join(part("n", data, "f" if file else None) for file, data in parts) + END
    theirs = WerkzeugParser(silent=False, stream_factory=lambda *a, **k: io.BytesIO())
    try:
        return data, read(theirs.parse(io.BytesIO(data), MULTIPART, len(data), OPTIONS)[1:])
    except ValueError:
        return data, BadRequest


@settings(max_examples=150, deadline=None)
@given(parts=PARTS, cuts=st.lists(st.integers(0, 400), max_size=6))
def test_any_form_that_is_cut_anywhere_is_parsed_as_werkzeug_does(parts, cuts):
    data, expected = form_of(parts)
    ends = sorted(cuts)

    assert fed(data[a:b] for a, b in zip([0, *ends], [*ends, None], strict=True)) == expected


@settings(max_examples=150, deadline=None)
@given(parts=PARTS, size=st.integers(1, 400))
def test_any_form_in_any_pieces_is_parsed_as_werkzeug_does(run, parts, size):
    """Data may contain boundaries, so a form may be malformed: then it is an error for both."""
    data, expected = form_of(parts)

    async def ours():
        try:
            return read(await parse_async(data, size=size))
        except BadRequest:
            return BadRequest

    assert run(ours()) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a=1&b=2",
        b"a=1&a=2&b",
        b"a=1;b=2",
        b"&&a=&=b&",
        b"a+b=c+d",
        b"a%20b=%C3%BC%2B+",
        b"a=%ff",
        "ü=é".encode(),
        b"a==b",
    ],
)
async def test_an_urlencoded_form_is_parsed_as_werkzeug_does(parse, data):
    """CVE-2026-53539: only `&` separates."""
    assert read(await parse(data, URLENCODED)) == werkzeugs(data, URLENCODED)


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet="ab=&+;%41 ü", max_size=30))
def test_any_urlencoded_form_is_parsed_as_werkzeug_does(run, text):
    data = text.encode()

    assert read(run(parse_async(data, URLENCODED))) == werkzeugs(data, URLENCODED)


async def test_another_media_type_does_not_read_the_body():
    body = body_of(b"a=1")
    fields, files = await parse_form(body, "text/plain", {}, DEFAULTS)

    assert not fields
    assert not files
    assert await body == b"a=1"


async def test_a_body_that_was_read_before_is_parsed_from_memory():
    body = body_of(SAMPLES["a file"])
    await body

    assert read(await parse_form(body, MULTIPART, OPTIONS, DEFAULTS)) == werkzeugs(
        SAMPLES["a file"]
    )


async def test_werkzeugs_own_encoder_is_understood(parse):
    boundary, data = encode_multipart(MultiDict([("a", "1"), ("b", "ü" * 1000)]))

    result = await parse(data, options={"boundary": boundary})
    assert read(result)[0] == [("a", "1"), ("b", "ü" * 1000)]


# -- complete or an error --------------------------------------------------------------------------

WHOLE = part("a", b"1") + part("f", b"data", "x") + END


@pytest.mark.parametrize("cut", range(1, len(WHOLE) - 2))
async def test_a_form_that_was_cut_off_is_an_error(parse, cut):
    """Partial form (observed in Quart 0.22): never half a form."""
    with pytest.raises(BadRequest, match="The multipart form is malformed"):
        await parse(WHOLE[:cut])


async def test_a_client_that_leaves_in_the_middle_is_an_error():
    messages = [
        {"type": "http.request", "body": part("a", b"1"), "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive():
        return messages.pop(0)

    with pytest.raises(ClientDisconnected, match="before it had sent"):
        await parse_form(Body(receive), MULTIPART, OPTIONS, DEFAULTS)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"--bound\r\nX: y\r\n\r\ndata\r\n" + END, "Missing Content-Disposition"),
        (b"--bound\r\nContent-Disposition: form-data\r\n\r\n1\r\n" + END, "a part has no name"),
        (
            b"--bound\r\nContent-Disposition: form-data; name=\xff\r\n\r\n1\r\n" + END,
            "can't decode",
        ),
        (b"no boundary at all", "ends before its closing boundary"),
    ],
)
async def test_a_malformed_form_is_a_400_that_says_why(parse, data, reason):
    with pytest.raises(BadRequest, match=f"(?s)malformed: .*{reason}"):
        await parse(data)


@pytest.mark.parametrize("boundary", ["", "x" * 300, "ü"])
async def test_an_unusable_boundary_is_a_400(parse, boundary):
    """python-multipart 0.0.27 to 0.0.31: a long boundary."""
    with pytest.raises(BadRequest, match=r"its boundary .* is not 1 to 70 ASCII characters"):
        await parse(WHOLE, options={"boundary": boundary})


async def test_an_urlencoded_form_that_is_not_utf8_is_a_400(parse):
    with pytest.raises(BadRequest, match="not UTF-8"):
        await parse(b"a=\xff", URLENCODED)


# -- limits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [2, 3])
async def test_parts_are_counted_with_files(parse, limit):
    """CVE-2023-25577, CVE-2023-30798."""
    data = part("a", b"1") + part("f", b"", "x") + part("b", b"2") + END
    if limit == 3:
        assert len(read(await parse(data, limits=FormLimits(None, limit)))[0]) == 2
        return
    with pytest.raises(RequestEntityTooLarge, match="more than 2 parts"):
        await parse(data, limits=FormLimits(None, limit))


async def test_a_huge_field_is_refused(parse):
    """GHSA-q34m-jh98-gwm2, CVE-2024-47874."""
    with pytest.raises(RequestEntityTooLarge, match="more than 1000 bytes"):
        await parse(part("a", b"x" * 1001) + END, limits=FormLimits(1000))
    assert read(await parse(part("a", b"x" * 1000) + END, limits=FormLimits(1000)))[0]


async def test_fields_are_counted_together(parse):
    """CVE-2025-69228, CVE-2026-34516, CVE-2026-34517: per form, not per field."""
    with pytest.raises(RequestEntityTooLarge, match="MAX_FORM_MEMORY_SIZE"):
        await parse(part("a", b"x" * 600) * 2 + END, limits=FormLimits(1000))


async def test_the_fields_limit_does_not_count_files(parse):
    data = part("f", b"x" * 100_000, "x") + END

    assert len(read(await parse(data, limits=FormLimits(1000)))[1][0][3]) == 100_000


async def test_a_huge_field_is_refused_before_its_end():
    """During reading: the rest of the body is not asked for."""
    asked = []

    async def receive():
        asked.append(1)
        data = part("a", b"x" * SLICE)[:-2] if len(asked) == 1 else b"x" * SLICE
        return {"type": "http.request", "body": data, "more_body": True}

    with pytest.raises(RequestEntityTooLarge, match="MAX_FORM_MEMORY_SIZE"):
        await parse_form(Body(receive), MULTIPART, OPTIONS, FormLimits(3 * SLICE))
    assert len(asked) <= 5


@pytest.mark.parametrize("header", [b"X-Long: ", b"X: 1\r\n"])
async def test_a_huge_part_header_is_refused(parse, header):
    """2 MB part header (observed in Quart 0.22); python-multipart: endless part headers."""
    data = part("a", b"1", extra=header + b"y" * 2_000_000 + b": z\r\n") + END

    with pytest.raises(RequestEntityTooLarge, match=f"more than {MAX_HEADER_SIZE} bytes"):
        await parse(data)


async def test_a_header_over_the_limit_is_refused_in_one_piece_too(parse):
    with pytest.raises(RequestEntityTooLarge, match="The headers of a part"):
        await parse(part("a", b"1", extra=b"X: " + b"y" * 20_000 + b"\r\n") + END)


async def test_a_huge_name_of_a_field_is_refused(parse):
    with pytest.raises(RequestEntityTooLarge, match="The headers of a part"):
        await parse(part("a" * 20_000, b"1") + END)


async def test_an_endless_preamble_is_refused(parse):
    """CVE-2024-53981, CVE-2026-40347."""
    with pytest.raises(RequestEntityTooLarge, match="The headers of a part"):
        await parse(b"\r\n" * 100_000 + WHOLE)


async def test_a_long_epilogue_is_skipped(parse):
    """CVE-2024-53981, CVE-2026-40347."""
    assert read(await parse(WHOLE + b"\r\n" * 1_000_000)) == werkzeugs(WHOLE)


@pytest.mark.parametrize("size", [None, 100])
async def test_an_urlencoded_form_has_the_same_limits(parse, size):
    """CVE-2026-54283 (GHSA-82w8-qh3p-5jfq)."""
    with pytest.raises(RequestEntityTooLarge, match="MAX_FORM_MEMORY_SIZE"):
        await parse(b"a=" + b"x" * 1000, URLENCODED, FormLimits(1000), size)
    with pytest.raises(RequestEntityTooLarge, match="MAX_FORM_PARTS"):
        await parse(b"&".join([b"a=1"] * 11), URLENCODED, FormLimits(None, 10), size)
    form = await parse(b"&".join([b"a=1"] * 10), URLENCODED, FormLimits(39, 10), size)
    assert len(read(form)[0]) == 10


async def test_a_long_urlencoded_form_in_pieces_is_complete(parse):
    data = b"a=" + b"x" * (3 * SLICE) + b"&b=%41"

    assert read(await parse(data, URLENCODED, size=SLICE))[0] == [
        ("a", "x" * 3 * SLICE),
        ("b", "A"),
    ]


async def test_a_chunked_urlencoded_form_is_refused_before_its_end():
    asked = []

    async def receive():
        asked.append(1)
        return {"type": "http.request", "body": b"x" * SLICE, "more_body": True}

    with pytest.raises(RequestEntityTooLarge, match="MAX_FORM_MEMORY_SIZE"):
        await parse_form(Body(receive), URLENCODED, {}, FormLimits(3 * SLICE))
    assert len(asked) == 4


async def test_an_announced_urlencoded_form_is_refused_unread():
    async def receive():
        raise AssertionError

    with pytest.raises(RequestEntityTooLarge, match="MAX_FORM_MEMORY_SIZE"):
        await parse_form(Body(receive, 1001), URLENCODED, {}, FormLimits(1000))


# -- uploads ---------------------------------------------------------------------------------------


async def test_a_small_upload_stays_in_memory():
    _, files = await parse_async(part("f", b"x" * SPOOL_SIZE, "x") + END)

    assert isinstance(files["f"].stream, io.BytesIO)


async def test_a_large_upload_goes_to_a_file_off_the_loop(monkeypatch):
    """CVE-2025-54121 (Starlette 0.47.2): rolling over to the disk does not block the loop."""
    threads = []
    make = tempfile.TemporaryFile
    monkeypatch.setattr(
        tempfile,
        "TemporaryFile",
        lambda: (threads.append(threading.current_thread()), make())[1],
    )
    data = os.urandom(3 * SPOOL_SIZE)
    _, files = await parse_async(part("f", data, "x") + part("g", data, "y") + END, size=SLICE)

    assert len(threads) == 2
    assert threading.main_thread() not in threads
    assert read((MultiDict(), files))[1][1][3] == data


async def test_a_form_that_fails_leaves_no_file_open(parse):
    """Resource warnings are errors here."""
    with pytest.raises(BadRequest, match="closing boundary"):
        await parse(part("f", b"x" * 2 * SPOOL_SIZE, "x") + part("g", b"", "y"), size=SLICE)


async def test_a_cancelled_form_leaves_no_file_open(monkeypatch):
    """Also when the cancellation comes while a thread is writing."""
    writing, go_on, files = threading.Event(), threading.Event(), []
    make = tempfile.TemporaryFile

    def slow_file():
        writing.set()
        go_on.wait(5)
        files.append(make())
        return files[0]

    monkeypatch.setattr(tempfile, "TemporaryFile", slow_file)
    parsing = asyncio.ensure_future(parse_async(part("f", b"x" * 2 * SPOOL_SIZE, "x") + END))
    await asyncio.to_thread(writing.wait, 5)
    parsing.cancel()
    with pytest.raises(asyncio.CancelledError):  # it has no text
        await parsing
    go_on.set()
    while not files or not files[0].closed:
        await asyncio.sleep(0.001)

    assert files[0].closed


async def test_a_form_that_was_cancelled_before_its_thread_began_opens_no_file():
    upload = Upload()
    upload.write(b"data")
    upload.close()
    upload.spool()
    upload.spool_rest()

    assert upload._file is None


async def test_a_filename_is_data(parse):
    """CVE-2026-24486: it is not altered, and nothing is saved under it."""
    _, files = await parse(part("f", b"", "../../etc/passwd") + END)

    assert files["f"].filename == "../../etc/passwd"
    files["f"].close()


async def test_the_request_chooses_the_class_of_the_result(parse):
    fields, files = await parse(WHOLE)

    assert type(fields) is type(files) is MultiDict
    files["f"].close()
