"""Werkzeug's sans-I/O multipart decoder, spared two regular expressions and rid of a bug.

What becomes of the parts, and what they may cost, is :mod:`.form`'s business.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from werkzeug.datastructures import Headers
from werkzeug.sansio.multipart import Event, Field, File, MultipartDecoder, State

# RFC 2046 §5.1.1: what ends a delimiter; the last one of a form has two hyphens more.
_BEHIND = re.compile(rb"(--[^\S\n\r]*(?:\r\n|\n|\r)?|[^\S\n\r]*(?:\r\n|\n|\r))")
_LINE_ENDS = (b"\r\n", b"\n", b"\r")
# A part's headers as browsers write them, with nothing to unquote in names.
_HEAD = re.compile(
    rb"(content-disposition): "
    rb"""(form-data; name="([^"\\%\r\n]*)"(?:; filename="([^"\\%\r\n]*)")?)\r\n"""
    rb"(?:(content-type): ([^\s;]+)\r\n)?\r\n",
    re.IGNORECASE,
)
_PADDING = 16
"""White space behind a delimiter that may be cut without making it data."""


class Decoder(MultipartDecoder):
    """Werkzeug's decoder, for one boundary.

    Args:
        boundary: The boundary, without the hyphens in front of it.

    Source: ``Werkzeug: werkzeug.sansio.multipart.MultipartDecoder``.
    """

    def __init__(self, boundary: bytes) -> None:
        # PERF: browsers send a new boundary with each form, and Werkzeug compiles two regular
        # expressions for it: 280 µs. These here are of a fixed one, and replaced.
        super().__init__(b"boundary")
        self.boundary = boundary
        self.preamble_re: Any = _Delimiter(boundary, first=True)
        self.boundary_re: Any = _Delimiter(boundary, first=False)

    def next_event(self) -> Event:
        """Return what the next bytes are, as Werkzeug's does.

        PERF: most headers of parts are read with one regular expression; 62 → 31 µs for two parts.
        """
        found = _HEAD.match(self.buffer) if self.state is State.PART else None
        if found is None:
            return super().next_event()
        texts: list[Any] = [None if text is None else text.decode() for text in found.groups()]
        key, disposition, name, filename, type_key, content_type = texts
        headers = Headers()
        headers._list = [(key, disposition)]
        if type_key is not None:
            headers._list.append((type_key, content_type))
        del self.buffer[: found.end() - 2]  # The line break is the data's first, to the decoder.
        self.state = State.DATA_START
        self._search_position = 0
        if filename is None:
            return Field(name=name, headers=headers)
        return File(name=name, filename=filename, headers=headers)

    def _last_partial_boundary_index(self, data: bytes | bytearray) -> int:
        """Return from where on ``data`` may be the begin of a delimiter.

        Werkzeug forgets what stands behind the boundary: where data are cut between the hyphens
        of the last delimiter, the CR in front of it becomes the upload's.
        """
        start = max(0, len(data) - len(b"\r\n----") - len(self.boundary) - _PADDING)
        found = [at for end in (b"\r", b"\n") if (at := data.rfind(end, start)) >= 0]
        return min(found, default=len(data))


class _Delimiter:
    """What Werkzeug's regular expressions for a boundary find, found without compiling them.

    Args:
        boundary: The boundary.
        first: It is the form's first one, which needs no line break before it.
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
    """What the decoder asks of a match."""

    def __init__(self, start: int, behind: re.Match[bytes]) -> None:
        self._start = start
        self._behind = behind

    def start(self) -> int:
        return self._start

    def end(self) -> int:
        return self._behind.end()

    def group(self, number: Literal[1]) -> bytes:
        return self._behind.group(number)
