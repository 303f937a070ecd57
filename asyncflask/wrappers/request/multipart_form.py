"""A ``multipart/form-data`` form: its fields and files, collected from the bytes as they are fed.

``multipart.py`` decodes the bytes, ``form.py`` reads them from the body.

SECURITY: the limits count over the whole form and while it comes in (CVE-2025-69228,
CVE-2023-25577).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, Protocol, TypeVar

from werkzeug.datastructures import Headers
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Field, File, NeedData, State

from .body_bytes import SLICE
from .multipart import Decoder

MAX_HEADER_SIZE = 16 * 1024
"""Most bytes of one part's headers, and of the text before the first part (Node: 16 KiB)."""
MAX_BOUNDARY_SIZE = 256
""":rfc:`2046` §5.1.1 allows 70."""


class FormLimits(NamedTuple):
    """The limits of a form; ``None`` is no limit.

    Args:
        memory: Bytes of all fields that are not files, taken together.
        parts: Fields and files.
    """

    memory: int | None = None
    parts: int | None = None


class Sink(Protocol):
    """The destination of an upload's bytes."""

    def write(self, data: bytes | memoryview, /) -> object: ...
    def close(self) -> None: ...


S = TypeVar("S", bound=Sink)


def fields_too_large(limit: int) -> HTTPException:
    """Return the error of a form whose fields are too large.

    Args:
        limit: Bytes of all fields that are not files, taken together.

    Returns:
        The error (413).
    """
    return RequestEntityTooLarge(
        f"The form's fields have more than {limit} bytes (MAX_FORM_MEMORY_SIZE)."
    )


def too_many_parts(limit: int) -> HTTPException:
    """Return the error of a form with too many parts.

    Args:
        limit: Fields and files.

    Returns:
        The error (413).
    """
    return RequestEntityTooLarge(f"The form has more than {limit} parts (MAX_FORM_PARTS).")


class MultipartForm(Generic[S]):
    """A ``multipart/form-data`` form, parsed as its bytes are fed; it does no I/O.

    Args:
        options: The media type's parameters, with the ``boundary``.
        limits: The limits of the form.
        open_file: Returns the destination of an upload's bytes.

    Raises:
        BadRequest: The boundary is missing or unusable.

    Source: :rfc:`7578`, :rfc:`2046` §5.1.
    """

    def __init__(
        self, options: dict[str, str], limits: FormLimits, open_file: Callable[[File], S]
    ) -> None:
        self.fields: list[tuple[str, str]] = []
        self.files: list[tuple[File, S]] = []
        boundary = _boundary(options)
        self._decoder = Decoder(boundary)
        self._limits = limits
        self._open_file = open_file
        self._field: Field | None = None
        self._pieces: list[bytes] = []
        self._memory = 0
        self._empty = True
        #: the last bytes that were fed, while they may be the start of an upload's delimiter
        self._tail = b""

    def feed(self, data: bytes) -> None:
        """Parse the next bytes of the form.

        Args:
            data: The bytes.

        Raises:
            BadRequest: They are malformed.
            RequestEntityTooLarge: The form goes over one of its limits.
        """
        decoder = self._decoder
        self._empty = False
        start = 0
        try:
            if self._tail:
                data = self._with_tail(data)
            while start < len(data):
                if decoder.state is State.EPILOGUE:
                    return  # SECURITY: CVE-2024-53981: bytes after the form are skipped in bulk.
                if not decoder.buffer:
                    end = self._take_in_place(data, start)
                    if end > start:
                        start = end
                        continue
                # The decoder copies its bytes: it gets few of those after a part's headers.
                size = _HEAD_SLICE if decoder.state in _BEFORE_DATA else SLICE
                decoder.receive_data(data[start : start + size])
                self._take_events()
                start += size
        except ValueError as error:
            raise _malformed(str(error)) from None

    def finish(self) -> None:
        """Check that the form is complete.

        Raises:
            BadRequest: It was cut off before its closing boundary.
        """
        if self._decoder.state is not State.EPILOGUE and not self._empty:
            raise _malformed("it ends before its closing boundary")

    def close(self) -> None:
        """Close the files of a form that failed."""
        for _, sink in self.files:
            sink.close()

    def _take_events(self) -> None:
        decoder = self._decoder
        while not isinstance(event := decoder.next_event(), NeedData):
            if isinstance(event, Data):
                self._take_data(event)
            elif isinstance(event, (Field, File)):
                self._begin(event)
        if decoder.state in _BEFORE_DATA and len(decoder.buffer) > MAX_HEADER_SIZE:
            raise _header_too_large()

    def _take_in_place(self, data: bytes, start: int) -> int:
        """Parse the text at ``start``, if it is as browsers write it; return its end."""
        decoder = self._decoder
        if decoder.state is State.DATA and self._field is None:
            return self._take_bulk(data, start)
        if decoder.state is State.PREAMBLE:
            return decoder.skip_first(data)
        head = decoder.read_head(data, start) if decoder.state is State.PART else None
        if head is None:
            return start
        part, at = head
        if isinstance(part, File):
            self._begin(part)
            decoder.state = State.DATA
            return at
        found = data.find(decoder.delimiter, at)
        end = decoder.skip_delimiter(data, found)
        if end == found:
            return start
        self._begin(part)
        value = data[at : found - 2]
        self._count(value)
        self._end_field(part, value)
        return end

    def _take_bulk(self, data: bytes, start: int) -> int:
        """Take the bytes that certainly belong to the current upload; return their end.

        Bytes that may be the start of a delimiter are kept until more have come.

        PERF: this is most of an upload, which the decoder would copy four times.
        """
        delimiter = self._decoder.delimiter
        # rfind() looks quicker only where the same data come again and again.
        found = data.find(delimiter, start)
        if found >= 0:
            end = max(start, found - 2)
        else:
            # RFC 2046 §5.1.1: the line break before a delimiter belongs to it.
            last = max(start, len(data) - len(delimiter) - 1)
            breaks = [at for byte in b"\r\n" if (at := data.find(byte, last)) >= 0]
            end = min(breaks, default=len(data))
            self._tail = data[end:]
        if end > start:
            whole = end - start == len(data)
            self.files[-1][1].write(data if whole else memoryview(data)[start:end])
        if found < 0:
            return len(data)
        behind = self._decoder.skip_delimiter(data, found)
        return end if behind == found else behind

    def _with_tail(self, data: bytes) -> bytes:
        """Return ``data`` after the kept bytes, unless those belong to the upload."""
        tail, self._tail = self._tail, b""
        delimiter = self._decoder.delimiter
        # A delimiter that begins in the tail, or whose line break does, ends within these bytes.
        size = len(delimiter) + 2
        if len(data) < size or delimiter in tail + data[:size]:
            return tail + data
        self.files[-1][1].write(tail)
        return data

    def _begin(self, part: Field | File) -> None:
        limit = self._limits.parts
        if limit is not None and len(self.fields) + len(self.files) >= limit:
            raise too_many_parts(limit)
        size = 0
        for name, value in part.headers:
            size += len(name) + len(value)
        if size > MAX_HEADER_SIZE:
            raise _header_too_large()
        if not isinstance(part.name, str):
            raise ValueError("a part has no name")
        if isinstance(part, File):
            self._field = None
            self.files.append((part, self._open_file(part)))
        else:
            self._field = part
            self._pieces = []

    def _take_data(self, event: Data) -> None:
        field, data = self._field, event.data
        if field is None:
            self.files[-1][1].write(data)
            return
        self._count(data)
        self._pieces.append(data)
        if not event.more_data:
            self._end_field(field, b"".join(self._pieces))

    def _count(self, data: bytes) -> None:
        limit = self._limits.memory
        self._memory += len(data)
        if limit is not None and self._memory > limit:
            raise fields_too_large(limit)

    def _end_field(self, field: Field, value: bytes) -> None:
        charset = "utf-8" if len(field.headers) == 1 else charset_of(field.headers)
        self.fields.append((field.name, value.decode(charset, "replace")))


_BEFORE_DATA = (State.PREAMBLE, State.PART)
_HEAD_SLICE = 1024
# A client may name these; Python has encodings that are unsafe to let it choose (`zip`).
_CHARSETS = {"ascii", "us-ascii", "utf-8", "iso-8859-1"}


def _boundary(options: dict[str, str]) -> bytes:
    boundary = options.get("boundary", "")
    if not boundary or len(boundary) > MAX_BOUNDARY_SIZE or not boundary.isascii():
        raise _malformed(f"its boundary {boundary[:80]!r} is not 1 to 70 ASCII characters")
    return boundary.encode("ascii")


def charset_of(headers: Headers) -> str:
    """Return the encoding of a field that is not a file.

    Args:
        headers: The headers of its part.
    """
    content_type = headers.get("content-type")
    if content_type is None:
        return "utf-8"
    charset = parse_options_header(content_type)[1].get("charset", "").lower()
    return charset if charset in _CHARSETS else "utf-8"


def _malformed(reason: str) -> HTTPException:
    return BadRequest(f"The multipart form is malformed: {reason}.")


def _header_too_large() -> HTTPException:
    return RequestEntityTooLarge(
        f"The headers of a part of the form have more than {MAX_HEADER_SIZE} bytes."
    )
