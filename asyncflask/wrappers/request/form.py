"""Forms: the fields and files of a body, as ``multipart/form-data`` or urlencoded.

``multipart_form.py`` collects the parts of a multipart form. Here it is fed with the body: by a
coroutine that never blocks the loop, or by Werkzeug's parser for the synchronous request. A form is
complete or it is an error.

SECURITY: the limits count over the whole form and while it comes in, for urlencoded forms too
(CVE-2026-54283): ``MAX_FORM_MEMORY_SIZE`` over all fields that are not files (CVE-2025-69228),
``MAX_FORM_PARTS`` over all parts, files included (CVE-2023-25577).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any

from werkzeug.datastructures import FileStorage as SyncFileStorage
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest
from werkzeug.formparser import FormDataParser as SyncFormDataParser
from werkzeug.sansio.multipart import File

from ...concurrency.workers import run_in_thread
from ...datastructures import FileStorage, gather
from .body import Body
from .body_bytes import SLICE
from .multipart_form import (
    MAX_HEADER_SIZE,
    FormLimits,
    MultipartForm,
    fields_too_large,
    too_many_parts,
)
from .upload import SPOOL_SIZE, Upload, spool_all, spool_rests
from .urlencoded import parse_urlencoded

MULTIPART = "multipart/form-data"
URLENCODED = "application/x-www-form-urlencoded"

MultiDicts = tuple[MultiDict[str, Any], MultiDict[str, Any]]


# -- reading a form --------------------------------------------------------------------------------


async def parse_form(
    body: Body,
    mimetype: str,
    options: dict[str, str],
    limits: FormLimits,
    cls: type[MultiDict[str, Any]] = MultiDict,
) -> MultiDicts:
    """Read and parse a form; the body of another media type is not read.

    Args:
        body: The request's body.
        mimetype: The media type, in lower case, without parameters.
        options: The media type's parameters.
        limits: The limits of the form.
        cls: The class of both results.

    Returns:
        The fields and the files.

    Raises:
        BadRequest: The form is malformed or cut off (400).
        RequestEntityTooLarge: It goes over one of the limits (413).
        HTTPException: The body could not be read, as for :meth:`.Body.read_chunk`.
    """
    if mimetype == URLENCODED:
        data = body.cached
        if data is None:
            _check_announced(body, limits)
            # Most forms have come already, and need no other coroutine.
            data = body.read_at_once()
            if data is None:
                data = await _read_urlencoded(body, limits)
        return decode_urlencoded(data, limits, cls), cls()
    if mimetype != MULTIPART:
        return cls(), cls()
    form = MultipartForm(options, limits, lambda _: Upload())
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
        """Parse a form from ``stream``; the body of another media type is not read.

        Args:
            stream: The body.
            mimetype: The media type, in lower case, without parameters.
            content_length: The announced length, for ``stream_factory``.
            options: The media type's parameters.

        Returns:
            The stream, the fields and the files.

        Raises:
            BadRequest: The form is malformed or cut off (400).
            RequestEntityTooLarge: It goes over one of the limits (413).
        """
        limits = FormLimits(self.max_form_memory_size, self.max_form_parts)
        if mimetype == URLENCODED:
            size = -1 if limits.memory is None else limits.memory + 1
            fields = decode_urlencoded(stream.read(size), limits, self.cls)
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


async def _fill(form: MultipartForm[Upload], body: Body) -> None:
    cached, held, rolled = body.cached, 0, False
    data = cached if cached is not None else await body.read_slice()
    while data:
        form.feed(data)
        held += len(data)
        if held > SPOOL_SIZE + MAX_HEADER_SIZE and form.files:
            await run_in_thread(spool_all, [upload for _, upload in form.files if upload.unwritten])
            held, rolled = 0, True
        data = b"" if cached is not None else await body.read_slice()
    form.finish()
    if rolled:
        await run_in_thread(spool_rests, [upload for _, upload in form.files])


def _stored(file: File, upload: Upload) -> FileStorage:
    return FileStorage(upload.stream(), file.filename, file.name, headers=file.headers)


def _stored_sync(
    files: Iterable[tuple[File, IO[bytes]]],
) -> Iterable[tuple[str, SyncFileStorage]]:
    for file, stream in files:
        stream.seek(0)
        yield file.name, SyncFileStorage(stream, file.filename, file.name, headers=file.headers)


# -- urlencoded ------------------------------------------------------------------------------------


def _check_announced(body: Body, limits: FormLimits) -> None:
    announced = body.content_length
    if limits.memory is not None and announced is not None and announced > limits.memory:
        raise fields_too_large(limits.memory)


async def _read_urlencoded(body: Body, limits: FormLimits) -> bytes:
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


def decode_urlencoded(
    data: bytes, limits: FormLimits, cls: type[MultiDict[str, Any]]
) -> MultiDict[str, Any]:
    """Parse the bytes of an urlencoded form.

    Args:
        data: The bytes.
        limits: The limits of the form.
        cls: The class of the result.

    Returns:
        The fields.

    Raises:
        BadRequest: They are not UTF-8 (400).
        RequestEntityTooLarge: The form goes over one of the limits (413).
    """
    if limits.memory is not None and len(data) > limits.memory:
        raise fields_too_large(limits.memory)
    if limits.parts is not None and data.count(b"&") >= limits.parts:
        raise too_many_parts(limits.parts)
    try:
        return parse_urlencoded(data, cls)
    except UnicodeDecodeError as error:
        raise BadRequest(f"The urlencoded form is not UTF-8: {error}.") from None
