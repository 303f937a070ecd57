"""Promises of ``wrappers.request.multipart``; Werkzeug's regular expressions are the oracle."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.sansio.multipart import Data, MultipartDecoder, NeedData

from asyncflask.wrappers.request.multipart import Decoder

PIECES = [b"\r\n", b"\n", b"\r", b"--bo", b"-", b"--", b" ", b"\t", b"\x0b", b"x", b"bo"]
TEXTS = st.lists(st.sampled_from(PIECES)).map(b"".join)


def _said(found):
    return found and (found.start(), found.end(), found.group(1))


@given(TEXTS, st.integers(0, 8))
@example(b"\r\n--bo--bo\r\n", 0)
@example(b"\r\n--bo\r\n", 1)
@example(b"--bo", 0)
def test_delimiters_are_found_where_werkzeug_finds_them(data, start):
    ours, theirs = Decoder(b"bo"), MultipartDecoder(b"bo")

    for name in ("preamble_re", "boundary_re"):
        expected = _said(getattr(theirs, name).search(bytearray(data), start))

        assert _said(getattr(ours, name).search(bytearray(data), start)) == expected


HEAD_PIECES = [
    *("Content-Disposition: form-data", "content-disposition:form-data", "; charset=utf-8"),
    *('; name="é"', "; name=b", '; filename="x y.txt"', '; filename=""', '"', "%22", "\\", ";"),
    *("\r\nContent-Type: text/plain", "\n", "\r\n", "\r\n ", ": ", "\x85", "\xa0", "\t"),
]
HEADS = st.lists(st.sampled_from(HEAD_PIECES)).map("".join)


def _first_events(decoder, data):
    decoder.receive_data(data)
    events = []
    try:
        while not isinstance(event := decoder.next_event(), NeedData):
            events.append(event)
    except ValueError as error:
        events.append(str(error).partition(" in position ")[0])
    return events


@given(HEADS, st.sampled_from(["utf-8", "latin-1"]))
@example('Content-Disposition: form-data; name="a"; filename="ü"\r\ncontent-TYPE: a/b', "utf-8")
@example('Content-Disposition: form-data; name="a"\r\n', "utf-8")
@example('Content-Disposition: form-data; name="é"', "latin-1")
@example('Content-Disposition: form-data; name="a"\r\nContent-Type: é', "latin-1")
def test_the_headers_of_a_part_are_those_of_werkzeug(head, encoding):
    data = b"--bo\r\n" + head.encode(encoding) + b"\r\n\r\ndata\r\n--bo--\r\n"

    expected = _first_events(MultipartDecoder(b"bo"), data)

    assert _first_events(Decoder(b"bo"), data) == expected


def _data_of(pieces):
    decoder, found = Decoder(b"boundary"), b""
    for piece in pieces:
        decoder.receive_data(piece)
        while not isinstance(event := decoder.next_event(), NeedData):
            found += event.data if isinstance(event, Data) else b""
    return found


@pytest.mark.parametrize("end", [b"--boundary--\r\n", b"--boundary-- \r\n", b"--boundary  \r\n"])
@pytest.mark.parametrize("break_", [b"\r\n", b"\n"])
def test_an_upload_is_the_same_wherever_the_form_is_cut(end, break_):
    """Werkzeug 3.1.9 gives it a CR more when the form is cut between the last two hyphens."""
    data = b"data \r\n and more, longer than the boundary"
    head = b'--boundary\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n'
    form = head + data + break_ + end

    for at in range(len(form) + 1):
        assert _data_of([form[:at], form[at:]]) == data
    assert _data_of([form[at : at + 1] for at in range(len(form))]) == data
