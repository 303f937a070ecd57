"""Parsers of forms: the async API's, with Quart's parameters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import IO, Any, NoReturn

from werkzeug.datastructures import Headers, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import default_stream_factory
from werkzeug.sansio.multipart import File

from ..wrappers.request.form import MULTIPART, URLENCODED, decode_urlencoded
from ..wrappers.request.multipart_form import FormLimits, MultipartForm, charset_of
from .datastructures import FileStorage

StreamFactory = Callable[[int | None, str | None, str | None, int | None], IO[bytes]]
ParserFunc = Callable[
    [Any, str, int | None, dict[str, str]],
    Awaitable[tuple[MultiDict[str, str], MultiDict[str, Any]]],
]


class FormDataParser:
    """Parses forms of any media type.

    Args:
        stream_factory: Opens the file that an upload is stored in.
        max_form_memory_size: Bytes of all fields that are not files, taken together.
        max_content_length: Bytes of the body.
        max_form_parts: Fields and files.
        cls: The class of both results.
        silent: Whether a malformed form is an empty one.

    Source: ``Quart: formparser.FormDataParser``.
    """

    file_storage_class = FileStorage

    def __init__(
        self,
        *,
        stream_factory: StreamFactory = default_stream_factory,
        max_form_memory_size: int | None = None,
        max_content_length: int | None = None,
        max_form_parts: int | None = None,
        cls: type[MultiDict[str, Any]] = MultiDict,
        silent: bool = True,
    ) -> None:
        self.stream_factory = stream_factory
        self.max_form_memory_size = max_form_memory_size
        self.max_content_length = max_content_length
        self.max_form_parts = max_form_parts
        self.cls = cls
        self.silent = silent

    def get_parse_func(self, mimetype: str, options: dict[str, str]) -> ParserFunc | None:
        """Return the method that parses forms of a media type; ``None`` if there is none.

        Args:
            mimetype: The media type.
            options: Its parameters.
        """
        function = self.parse_functions.get(mimetype)
        return None if function is None else function.__get__(self)

    async def parse(
        self,
        body: Any,
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> tuple[MultiDict[str, str], MultiDict[str, Any]]:
        """Read and parse a form; the body of another media type is not read.

        Args:
            body: The request's body.
            mimetype: The media type.
            content_length: The announced length.
            options: The media type's parameters.

        Returns:
            The fields and the files.

        Raises:
            RequestEntityTooLarge: It goes over one of the limits (413).
        """
        if self.max_content_length is not None and (content_length or 0) > self.max_content_length:
            raise _too_large(f"{content_length} bytes", self.max_content_length)
        function = self.get_parse_func(mimetype, options or {})
        if function is not None:
            try:
                return await function(body, mimetype, content_length, options or {})
            except ValueError:
                if not self.silent:
                    raise
        return self.cls(), self.cls()

    async def _parse_multipart(
        self, body: Any, mimetype: str, content_length: int | None, options: dict[str, str]
    ) -> tuple[MultiDict[str, str], MultiDict[str, Any]]:
        parser = MultiPartParser(
            stream_factory=self.stream_factory,
            max_content_length=self.max_content_length,
            max_form_memory_size=self.max_form_memory_size,
            max_form_parts=self.max_form_parts,
            file_storage_cls=self.file_storage_class,
            cls=self.cls,
        )
        boundary = options.get("boundary", "").encode("ascii")
        if not boundary:
            raise ValueError("The multipart form names no boundary in its Content-Type.")
        return await parser.parse(body, boundary, content_length)

    async def _parse_urlencoded(
        self, body: Any, mimetype: str, content_length: int | None, options: dict[str, str]
    ) -> tuple[MultiDict[str, str], MultiDict[str, Any]]:
        limits = FormLimits(self.max_form_memory_size, self.max_form_parts)
        return decode_urlencoded(await body, limits, self.cls), self.cls()

    parse_functions: dict[str, Callable[..., Any]] = {
        MULTIPART: _parse_multipart,
        URLENCODED: _parse_urlencoded,
        "application/x-url-encoded": _parse_urlencoded,
    }


def _too_large(size: str, limit: int) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"The body has {size}; {limit} are accepted (MAX_CONTENT_LENGTH).")


class MultiPartParser:
    """Parses multipart forms.

    Args:
        stream_factory: Opens the file that an upload is stored in.
        max_content_length: Bytes of the body.
        max_form_memory_size: Bytes of all fields that are not files, taken together.
        max_form_parts: Fields and files.
        file_storage_cls: The class of the uploads.
        cls: The class of both results.
        buffer_size: Kept; the pieces are as large as the client sends them.

    Source: ``Quart: formparser.MultiPartParser``.
    """

    def __init__(
        self,
        *,
        stream_factory: StreamFactory = default_stream_factory,
        max_content_length: int | None = None,
        max_form_memory_size: int | None = None,
        max_form_parts: int | None = None,
        file_storage_cls: type[FileStorage] = FileStorage,
        cls: type[MultiDict[str, Any]] = MultiDict,
        buffer_size: int = 64 * 1024,
    ) -> None:
        self.stream_factory = stream_factory
        self.max_content_length = max_content_length
        self.max_form_memory_size = max_form_memory_size
        self.max_form_parts = max_form_parts
        self.file_storage_cls = file_storage_cls
        self.cls = cls
        self.buffer_size = buffer_size

    def fail(self, message: str) -> NoReturn:
        """Refuse a malformed form.

        Args:
            message: What is wrong with it.

        Raises:
            ValueError: Always.
        """
        raise ValueError(message)

    def get_part_charset(self, headers: Headers) -> str:
        """Return the encoding of a field: one that its headers name, if it is safe, or UTF-8.

        Args:
            headers: The headers of the part.
        """
        return charset_of(headers)

    def start_file_streaming(self, event: File, total_content_length: int | None) -> IO[bytes]:
        """Open the file that an upload is stored in.

        Args:
            event: The upload's part of the form.
            total_content_length: The announced length of the body.

        Returns:
            The file, open for writing.
        """
        headers = event.headers
        return self.stream_factory(
            total_content_length,
            headers.get("content-type"),
            event.filename,
            headers.get("content-length", 0, type=int),
        )

    async def parse(
        self, body: Any, boundary: bytes, content_length: int | None
    ) -> tuple[MultiDict[str, str], MultiDict[str, Any]]:
        """Read and parse a form.

        Args:
            body: The request's body, an asynchronous iterable of bytes.
            boundary: What separates the parts.
            content_length: The announced length.

        Returns:
            The fields and the files.

        Raises:
            RequestEntityTooLarge: It goes over one of the limits (413).
        """
        form: MultipartForm[IO[bytes]] = MultipartForm(
            {"boundary": boundary.decode("ascii")},
            FormLimits(self.max_form_memory_size, self.max_form_parts),
            lambda event: self.start_file_streaming(event, content_length),
        )
        limit, size = self.max_content_length, 0
        try:
            async for data in body:
                size += len(data)
                if limit is not None and size > limit:
                    raise _too_large(f"{size} bytes or more", limit)
                form.feed(data)
            form.finish()
        except BaseException:
            form.close()
            raise
        files = []
        for part, stream in form.files:
            stream.seek(0)
            made = self.file_storage_cls(stream, part.filename, part.name, headers=part.headers)
            files.append((part.name, made))
        return self.cls(form.fields), self.cls(files)
