"""Werkzeug's sans-I/O multipart decoder, quicker for forms of browsers, and without two bugs.

Bytes that are not as browsers write them go to Werkzeug's decoder, so that both always agree.
:mod:`.multipart_form` collects the parts and checks the limits.

PERF: Werkzeug compiles two regular expressions for each boundary (280 µs), parses the headers of
parts by several, and copies the data four times. Here the boundary is searched for, most headers
match one expression, and parts are read from the data while the buffer is empty.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from werkzeug.datastructures import Headers
from werkzeug.sansio.multipart import NEED_DATA, Event, Field, File, MultipartDecoder, State

# RFC 2046 §5.1.1: the end of a delimiter; the last one of a form has two more hyphens.
_BEHIND = re.compile(rb"(--[^\S\n\r]*(?:\r\n|\n|\r)?|[^\S\n\r]*(?:\r\n|\n|\r))")
_LINE_ENDS = (b"\r\n", b"\n", b"\r")
# A part's headers as browsers write them, with nothing to unquote in names.
_HEAD = re.compile(
    rb"(content-disposition): "
    rb"""(form-data; name="([^"\\%\r\n]*)"(?:; filename="([^"\\%\r\n]*)")?)\r\n"""
    rb"(?:(content-type): ([^\s;]+)\r\n)?\r\n",
    re.IGNORECASE,
)
_NO_DATA = (b"", b"-", b"--")
_PADDING = 16
"""White space after a delimiter that is still part of it."""


class Decoder(MultipartDecoder):
    """Werkzeug's decoder, for one boundary.

    Args:
        boundary: The boundary, without the hyphens in front of it.

    Source: ``Werkzeug: werkzeug.sansio.multipart.MultipartDecoder``.
    """

    def __init__(self, boundary: bytes) -> None:
        # Those of a constant boundary are cached; they are replaced.
        super().__init__(b"boundary")
        self.boundary = boundary
        self.delimiter = b"--" + boundary
        self.preamble_re: Any = _Delimiter(boundary, first=True)
        self.boundary_re: Any = _Delimiter(boundary, first=False)

    # -- in place ----------------------------------------------------------------------------------

    def skip_first(self, data: bytes) -> int:
        """Skip the form's first delimiter, if the data start with it.

        Args:
            data: The first bytes of the form.

        Returns:
            The index after it, or 0.
        """
        return self.skip_delimiter(b"\r\n" + data[: len(self.delimiter) + 2], 2) - 2

    def skip_delimiter(self, data: bytes, at: int) -> int:
        """Skip a delimiter between two CR LF.

        Args:
            data: The bytes.
            at: The index of its hyphens.

        Returns:
            The index after it; or ``at`` if the decoder has to parse it.
        """
        end = at + len(self.delimiter)
        if at < 2 or data[at - 2 : at] != b"\r\n" or not data.startswith(self.delimiter, at):
            return at
        behind = data[end : end + 2]
        if behind == b"\r\n":
            self.state = State.PART
        elif behind == b"--":
            self.state = State.EPILOGUE
        else:
            return at
        return end + 2

    def read_head(self, data: bytes, start: int) -> tuple[Field | File, int] | None:
        """Read the headers of a part, if they are complete.

        Args:
            data: The bytes.
            start: The index of the headers.

        Returns:
            The part and the index of its data, or ``None`` if the decoder has to parse them.
        """
        found = _HEAD.match(data, start)
        # Where a delimiter follows at once, the blank line's end is the line break before it.
        if found is None or data[found.end() : found.end() + 2] in _NO_DATA:
            return None
        return _part(found), found.end()

    # -- from the buffer ---------------------------------------------------------------------------

    def next_event(self) -> Event:
        """Return the next event, as Werkzeug's decoder does."""
        found = _HEAD.match(self.buffer) if self.state is State.PART else None
        if self.state is State.DATA_START and self._may_have_no_data():
            return NEED_DATA
        if found is None:
            return super().next_event()
        part = _part(found)
        del self.buffer[: found.end() - 2]  # The line break is the data's first, to the decoder.
        self.state = State.DATA_START
        self._search_position = 0
        return part

    def _may_have_no_data(self) -> bool:
        """Tell whether a delimiter may follow the headers of the part directly.

        Werkzeug drops the line break before it can tell, but it belongs to the delimiter then.
        """
        start = 2 if self.buffer.startswith(b"\r\n") else 1
        size = len(self.delimiter) + 2
        rest = bytes(self.buffer[start : start + size])
        return len(rest) < size and (
            self.delimiter.startswith(rest) or rest.startswith(self.delimiter)
        )

    def _last_partial_boundary_index(self, data: bytes | bytearray) -> int:
        """Return the index from which ``data`` may be the start of a delimiter.

        Werkzeug ignores the bytes after the boundary: if data are cut between the hyphens of the
        last delimiter, the CR before it becomes part of the upload.
        """
        start = max(0, len(data) - len(b"\r\n----") - len(self.boundary) - _PADDING)
        found = [at for end in (b"\r", b"\n") if (at := data.rfind(end, start)) >= 0]
        return min(found, default=len(data))


def _part(head: re.Match[bytes]) -> Field | File:
    key, disposition, name, filename, type_key, content_type = head.groups()
    headers = Headers([(key.decode(), disposition.decode())])
    if type_key is not None:
        headers.add(type_key.decode(), content_type.decode())
    if filename is None:
        return Field(name=name.decode(), headers=headers)
    return File(name=name.decode(), filename=filename.decode(), headers=headers)


class _Delimiter:
    """Replaces Werkzeug's regular expressions for a boundary, without compiling them.

    Args:
        boundary: The boundary.
        first: Whether it is the form's first one, which needs no line break before it.
    """

    def __init__(self, boundary: bytes, first: bool) -> None:
        self._text = b"--" + boundary
        self._first = first

    def search(self, data: bytes | bytearray, start: int = 0) -> _Found | None:
        """Return the first delimiter, with the line breaks around it, or ``None``."""
        at = data.find(self._text, start)
        while at >= 0:
            behind = _BEHIND.match(data, at + len(self._text))
            if behind is not None:
                for end in _LINE_ENDS:
                    if data.endswith(end, start, at):
                        return _Found(at - len(end), behind)
                if self._first:
                    return _Found(at, behind)
            at = data.find(self._text, at + 1)
        return None


class _Found:
    """The methods of a match that the decoder uses."""

    def __init__(self, start: int, behind: re.Match[bytes]) -> None:
        self._start = start
        self._behind = behind

    def start(self) -> int:
        return self._start

    def end(self) -> int:
        return self._behind.end()

    def group(self, number: Literal[1]) -> bytes:
        return self._behind.group(number)
