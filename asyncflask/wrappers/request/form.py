"""Forms: from the pieces of a body to fields and files.

Reading the bytes of ``multipart/form-data`` is :mod:`.multipart`'s job. What stands here collects
parts and data under limits, once (:class:`MultipartForm`), and has two drivers: one that awaits the
body and never blocks the loop, one for Werkzeug's synchronous request.

A form is whole or it is an error; no view ever sees half of one.

SECURITY: the limits count over the whole form and while it comes in, for urlencoded forms too
(CVE-2026-54283): ``MAX_FORM_MEMORY_SIZE`` over all fields that are not files (CVE-2025-69228),
``MAX_FORM_PARTS`` over all parts, files included (CVE-2023-25577).
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import IO, Any, Generic, NamedTuple, Protocol, TypeVar

from werkzeug.datastructures import FileStorage as SyncFileStorage
from werkzeug.datastructures import Headers, MultiDict
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser as SyncFormDataParser
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Field, File, NeedData, State

from ...concurrency.workers import run_in_thread
from ...datastructures import FileStorage, gather
from .body import Body
from .body_bytes import SLICE
from .urlencoded import parse_urlencoded

SPOOL_SIZE = 1024 * 1024
"""Bytes of a form's uploads, taken together, that are kept in memory; more go to temporary files.

(Werkzeug keeps 500 KiB of each upload, Starlette 1 MiB of each.)"""
MAX_HEADER_SIZE = 16 * 1024
"""Bytes of one part's headers, and of what stands before the first part (Node: 16 KiB)."""
MAX_BOUNDARY_SIZE = 256
""":rfc:`2046` §5.1.1 allows 70."""

MULTIPART = "multipart/form-data"
URLENCODED = "application/x-www-form-urlencoded"

MultiDicts = tuple[MultiDict[str, Any], MultiDict[str, Any]]


class Limits(NamedTuple):
    """What a form may cost; ``None`` is no limit.

    Args:
        memory: Bytes of all fields that are not files, taken together.
        parts: Fields and files.
    """

    memory: int | None = None
    parts: int | None = None


class Sink(Protocol):
    """Where the bytes of an upload go."""

    def write(self, data: bytes | memoryview, /) -> Any: ...
    def close(self) -> None: ...


S = TypeVar("S", bound=Sink)

# -- the two drivers -------------------------------------------------------------------------------


async def parse_form(
    body: Body,
    mimetype: str,
    options: dict[str, str],
    limits: Limits,
    cls: type[MultiDict[str, Any]] = MultiDict,
) -> MultiDicts:
    """Read and parse a form; other media types leave the body alone.

    Args:
        body: The request's body.
        mimetype: The media type, in lower case, without parameters.
        options: The media type's parameters.
        limits: What the form may cost.
        cls: The class of both results.

    Returns:
        The fields and the files.

    Raises:
        BadRequest: The form is malformed or cut off (400).
        RequestEntityTooLarge: It goes over one of the limits (413).
        HTTPException: The body could not be read, as for :meth:`.Body.read_chunk`.
    """
    if mimetype == URLENCODED:
        data = await _read_urlencoded(body, limits)
        return _decode_urlencoded(data, limits, cls), cls()
    if mimetype != MULTIPART:
        return cls(), cls()
    form = MultipartForm(options, limits, _open_upload)
    try:
        await _fill(form, body)
    except BaseException:
        form.close()
        raise
    files = [(file.name, _stored(file, sink)) for file, sink in form.files]
    return gather(form.fields, cls), gather(files, cls)


class FormDataParser(SyncFormDataParser):
    """Werkzeug's parser for synchronous requests, under this module's limits.

    **Differs from Flask:** a malformed form is a 400, not an empty form; ``MAX_FORM_MEMORY_SIZE``
    counts over all fields together, and for urlencoded forms too.
    """

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> tuple[IO[bytes], MultiDict[str, str], MultiDict[str, SyncFileStorage]]:
        """Parse a form from ``stream``; other media types leave it alone.

        Raises:
            BadRequest: The form is malformed or cut off (400).
            RequestEntityTooLarge: It goes over one of the limits (413).
        """
        limits = Limits(self.max_form_memory_size, self.max_form_parts)
        if mimetype == URLENCODED:
            size = -1 if limits.memory is None else limits.memory + 1
            fields = _decode_urlencoded(stream.read(size), limits, self.cls)
            return stream, fields, self.cls()
        if mimetype != MULTIPART:
            return stream, self.cls(), self.cls()

        def open_file(file: File) -> IO[bytes]:
            headers = file.headers
            return self.stream_factory(
                content_length,
                headers.get("content-type"),
                file.filename,
                headers.get("content-length", 0, type=int),
            )

        form = MultipartForm(options or {}, limits, open_file)
        try:
            while data := stream.read(SLICE):
                form.feed(data)
            form.finish()
        except BaseException:
            form.close()
            raise
        return stream, self.cls(form.fields), self.cls(_stored_sync(form.files))


async def _fill(form: MultipartForm[_Upload], body: Body) -> None:
    cached, held, rolled = body.cached, 0, False
    data = cached if cached is not None else await body.read_slice()
    while data:
        form.feed(data)
        held += len(data)
        if held > SPOOL_SIZE + MAX_HEADER_SIZE and form.files:
            await run_in_thread(_spool, [upload for _, upload in form.files if upload.unwritten])
            held, rolled = 0, True
        data = b"" if cached is not None else await body.read_slice()
    form.finish()
    if rolled:
        await run_in_thread(_spool_rest, [upload for _, upload in form.files])


def _stored(file: File, upload: _Upload) -> FileStorage:
    return FileStorage(upload.stream(), file.filename, file.name, headers=file.headers)


def _stored_sync(
    files: Iterable[tuple[File, IO[bytes]]],
) -> Iterable[tuple[str, SyncFileStorage]]:
    for file, stream in files:
        stream.seek(0)
        yield file.name, SyncFileStorage(stream, file.filename, file.name, headers=file.headers)


# -- urlencoded ------------------------------------------------------------------------------------


async def _read_urlencoded(body: Body, limits: Limits) -> bytes:
    if body.cached is not None:
        return body.cached
    announced = body.content_length
    if limits.memory is not None and announced is not None and announced > limits.memory:
        raise _fields_too_large(limits.memory)
    data = body.read_at_once()
    if data is not None:
        return data
    data = await body.read_slice()
    if not body.complete:
        slices, size = [data], len(data)
        while data := await body.read_slice():
            slices.append(data)
            size += len(data)
            if limits.memory is not None and size > limits.memory:
                break
        data = b"".join(slices)
    return data


def _decode_urlencoded(
    data: bytes, limits: Limits, cls: type[MultiDict[str, Any]]
) -> MultiDict[str, Any]:
    if limits.memory is not None and len(data) > limits.memory:
        raise _fields_too_large(limits.memory)
    if limits.parts is not None and data.count(b"&") >= limits.parts:
        raise _too_many_parts(limits.parts)
    try:
        return parse_urlencoded(data, cls)
    except UnicodeDecodeError as error:
        raise BadRequest(f"The urlencoded form is not UTF-8: {error}.") from None


def _fields_too_large(limit: int) -> HTTPException:
    return RequestEntityTooLarge(
        f"The form's fields have more than {limit} bytes (MAX_FORM_MEMORY_SIZE)."
    )


def _too_many_parts(limit: int) -> HTTPException:
    return RequestEntityTooLarge(f"The form has more than {limit} parts (MAX_FORM_PARTS).")


# -- multipart -------------------------------------------------------------------------------------


class MultipartForm(Generic[S]):
    """A ``multipart/form-data`` form that grows as its bytes are fed; it does no I/O of its own.

    Args:
        options: The media type's parameters, with the ``boundary``.
        limits: What the form may cost.
        open_file: Gives the place for an upload's bytes.

    Raises:
        BadRequest: The boundary is missing or unusable.

    Source: :rfc:`7578`, :rfc:`2046` §5.1.
    """

    def __init__(
        self, options: dict[str, str], limits: Limits, open_file: Callable[[File], S]
    ) -> None:
        self.fields: list[tuple[str, str]] = []
        self.files: list[tuple[File, S]] = []
        boundary = _boundary(options)
        from .multipart import Decoder  # PERF: 0.9 ms of the import, and few apps take uploads.

        self._decoder = Decoder(boundary)
        self._limits = limits
        self._open_file = open_file
        self._field: Field | None = None
        self._pieces: list[bytes] = []
        self._memory = 0
        self._empty = True
        #: the end of what was fed, while it may be the begin of an upload's delimiter
        self._tail = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the form.

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
                    return  # SECURITY: CVE-2024-53981: what follows the form is skipped in bulk.
                if not decoder.buffer:
                    end = self._take_in_place(data, start)
                    if end > start:
                        start = end
                        continue
                # PERF: the decoder gets little of what stands behind a part's headers.
                size = _HEAD_SLICE if decoder.state in _BEFORE_DATA else SLICE
                decoder.receive_data(data[start : start + size])
                self._take_events()
                start += size
        except ValueError as error:
            raise _malformed(str(error)) from None

    def finish(self) -> None:
        """Make sure that the form is whole.

        Raises:
            BadRequest: It was cut off before its closing boundary.
        """
        if self._decoder.state is not State.EPILOGUE and not self._empty:
            raise _malformed("it ends before its closing boundary")

    def close(self) -> None:
        """Close all files, of a form that failed."""
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
        """Take what stands at ``start``, if it is as browsers write it; return where it ends."""
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
        """Take what certainly belongs to the current upload; return where it ends.

        What may be the begin of a delimiter waits for more.

        PERF: the decoder copies everything four times; this is most of an upload, uncopied.
        """
        delimiter = self._decoder.delimiter
        # PERF: half of the time of an upload. rfind() looks quicker only where the same data come
        # again and again: 113 against 194 µs for 1 MB of a browser's, with data that are new.
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
        """Return ``data`` behind what waited for it, unless that turns out to be the upload's."""
        tail, self._tail = self._tail, b""
        delimiter = self._decoder.delimiter
        # A delimiter that begins in the tail, or whose line break does, ends within these.
        size = len(delimiter) + 2
        if len(data) < size or delimiter in tail + data[:size]:
            return tail + data
        self.files[-1][1].write(tail)
        return data

    def _begin(self, part: Field | File) -> None:
        limit = self._limits.parts
        if limit is not None and len(self.fields) + len(self.files) >= limit:
            raise _too_many_parts(limit)
        size = 0
        for name, value in part.headers._list:
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
            raise _fields_too_large(limit)

    def _end_field(self, field: Field, value: bytes) -> None:
        # PERF: most fields have no header but their disposition.
        charset = "utf-8" if len(field.headers._list) == 1 else _charset(field.headers)
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


def _charset(headers: Headers) -> str:
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


# -- uploads ---------------------------------------------------------------------------------------


class _Upload:
    """An upload on its way: a list of pieces, and from :data:`SPOOL_SIZE` on a temporary file.

    ``write`` only remembers; ``spool`` writes to the disk, in a worker thread. A request that is
    cancelled meanwhile leaves closing to the thread, so no file stays open.
    """

    def __init__(self) -> None:
        self.unwritten = 0
        # PERF: pieces joined once; growing a BytesIO costs 887 µs per MB instead of 240.
        self._pieces: list[bytes | memoryview] = []
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()
        self._writing = False
        self._closed = False

    def write(self, data: bytes | memoryview) -> None:
        self._pieces.append(data)
        self.unwritten += len(data)

    def spool(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._writing = True
        pieces, self._pieces, self.unwritten = self._pieces, [], 0
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the request
            self._file.writelines(pieces)
        finally:
            with self._lock:
                self._writing = False
                if self._closed and self._file is not None:
                    self._file.close()

    def spool_rest(self) -> None:
        """Write what is left of an upload that is in a file already, and go to its start."""
        if self._file is not None:
            self.spool()
            if not self._closed:
                self._file.seek(0)

    def stream(self) -> IO[bytes]:
        if self._file is not None:
            return self._file
        return BytesIO(b"".join(self._pieces))

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._file is not None and not self._writing:
                self._file.close()


def _open_upload(file: File) -> _Upload:
    return _Upload()


def _spool(uploads: list[_Upload]) -> None:
    for upload in uploads:
        upload.spool()


def _spool_rest(uploads: list[_Upload]) -> None:
    for upload in uploads:
        upload.spool_rest()
