"""The part of the asynchronous request that reads forms, and the bytes of what is no form.

Both are in one class because they share the body's bytes: those that a form has used up are gone,
and ``request.data`` is empty for a form. Forms are parsed in :mod:`.form`.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Literal, overload

from werkzeug.datastructures import CombinedMultiDict, ImmutableMultiDict, MultiDict
from werkzeug.exceptions import BadRequest, HTTPException

from ...datastructures import FileStorage
from ...debughelpers import Sent, explain_missing_files
from ...logging import one_line
from ..shared_attributes import NotingAttributes
from .awaitable import Pending, PendingCall, Read
from .base import Limit, of_class
from .body import Body
from .body_request import BodyRequest
from .form import MultiDicts, parse_form
from .multipart_form import FormLimits


class FormDataRequest(BodyRequest, NotingAttributes):
    """A request whose body can be read as a form, or as bytes."""

    #: the class of uploads
    file_storage_class: type[FileStorage] = FileStorage
    max_form_memory_size = Limit("MAX_FORM_MEMORY_SIZE", 500_000)
    max_form_parts = Limit("MAX_FORM_PARTS", 1000)

    @overload
    def get_data(
        self, cache: bool = ..., as_text: Literal[False] = ..., parse_form_data: bool = ...
    ) -> Coroutine[Any, Any, bytes]: ...
    @overload
    def get_data(
        self, cache: bool = ..., *, as_text: Literal[True], parse_form_data: bool = ...
    ) -> Coroutine[Any, Any, str]: ...
    @overload
    def get_data(
        self, cache: bool = ..., as_text: bool = ..., parse_form_data: bool = ...
    ) -> Coroutine[Any, Any, Any]: ...
    def get_data(
        self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False
    ) -> Coroutine[Any, Any, Any]:
        """Read the whole body: ``await request.get_data()``.

        Args:
            cache: Keep the bytes for later reads. With ``False``, a later read returns ``b""``.
            as_text: Decode as UTF-8; malformed bytes are replaced.
            parse_form_data: Parse a form first. The result is empty then.

        Returns:
            The bytes or the text, to be awaited.

        Raises:
            RequestEntityTooLarge: The body is longer than :attr:`max_content_length` (413).
            RequestTimeout: It did not come in time (408).
            ClientDisconnected: The client left before the end.

        Source: ``Flask: Request.get_data``.
        """
        read = _read_text if as_text else _read_bytes
        return PendingCall("request.get_data()", read, self, (cache, parse_form_data))

    @property
    def data(self) -> Pending[bytes]:
        """The body's bytes, awaited; empty for a form, whose fields are in :attr:`form`."""
        return Pending("request.data", _read_data, self, None)

    @data.setter
    def data(self, data: bytes) -> None:
        self._keep("data", data)

    # -- forms -------------------------------------------------------------------------------------

    @property
    def form(self) -> Pending[ImmutableMultiDict[str, str]]:
        """The fields of the form, awaited. Uploads are in :attr:`files`.

        Raises:
            BadRequest: The form is malformed or cut off (400).
            RequestEntityTooLarge: It goes over one of the limits (413).
        """
        return Pending("request.form", _read_form, self, None)

    @form.setter
    def form(self, fields: MultiDict[str, str]) -> None:
        body = self.body
        files = self.parameter_storage_class() if body.form is None else body.form[1]
        body.form = fields, files

    @property
    def files(self) -> Pending[ImmutableMultiDict[str, FileStorage]]:
        """The uploads of the form, awaited.

        SECURITY: the client chooses a file's name; see :class:`.FileStorage`.

        Raises:
            BadRequest: The form is malformed or cut off (400).
            RequestEntityTooLarge: It goes over one of the limits (413).
        """
        return Pending("request.files", _read_files, self, None)

    @files.setter
    def files(self, files: MultiDict[str, Any]) -> None:
        body = self.body
        fields = self.parameter_storage_class() if body.form is None else body.form[0]
        body.form = fields, files

    @property
    def values(self) -> Pending[CombinedMultiDict[str, str]]:
        """:attr:`args` and :attr:`form` together, awaited; of a ``GET`` request only ``args``."""
        return Pending("request.values", _read_values, self, None)

    @values.setter
    def values(self, values: MultiDict[str, str]) -> None:
        self._keep("values", values)

    def _keep(self, name: str, value: object) -> None:
        if self.set_by_users is None:
            self.set_by_users = {}
        self.set_by_users[name] = value

    @property
    def want_form_data_parsed(self) -> bool:
        """Whether the body may be a form: it has a ``Content-Type``."""
        return bool(self.content_type)

    async def load_form(self) -> MultiDicts:
        """Return the fields and the uploads of the form, which is read at the first call."""
        body = self.body
        if body.form is not None:
            return body.form
        if body.claimed:
            await body.unclaimed()  # Two tasks that read the form get the same one.
        body.claimed = True
        try:
            if body.form is None:
                form, files = body.form = await self._parse_form(body)
                if self._ctx.app.debug:
                    explain_missing_files(self._ctx.app, Sent(form, files, self.mimetype))
        except HTTPException as error:
            body.fail(error)
            raise
        except BaseException:
            body.fail(BadRequest("Reading the form was interrupted; its first part is lost."))
            raise
        finally:
            body.release()
        return body.form

    def _parse_form(self, body: Body) -> Coroutine[Any, Any, MultiDicts]:
        mimetype = self.mimetype if self.want_form_data_parsed else ""
        limits = FormLimits(self.max_form_memory_size, self.max_form_parts)
        cls = self.parameter_storage_class
        return parse_form(body, mimetype, self.mimetype_params, limits, cls)


# -- reading, when it is awaited -------------------------------------------------------------------


async def _read_text(request: FormDataRequest, options: tuple[bool, bool]) -> str:
    return (await _read_bytes(request, options)).decode(errors="replace")


def _read_data(request: FormDataRequest, _: None) -> Read[bytes]:
    kept = request.set_by_users
    if kept is not None and "data" in kept:
        return (kept["data"],)
    return _read_bytes(request, (True, True))


async def _read_bytes(request: FormDataRequest, options: tuple[bool, bool]) -> bytes:
    cache, parse_form_data = options
    body = request.body
    data = body.cached
    if data is None:
        if parse_form_data:
            await request.load_form()
        data = await body.read_all(cache)
        if not data and body.form is not None and body.begun and not parse_form_data:
            _note_used_up(request)
    return data


def _note_used_up(request: FormDataRequest) -> None:
    """Log in debug mode why there are no bytes, because a signature over them would be wrong."""
    app = request._ctx.app
    if app.debug:
        app.logger.warning(
            "request.get_data() returns b'' on %s: reading the form has consumed the body, as in"
            " Flask. Write `data = await request.get_data()` before `await request.form`; the form"
            " can still be read then.",
            one_line(request.path),
        )


async def _read_form(request: FormDataRequest, _: None) -> Any:
    return (await request.load_form())[0]


async def _read_files(request: FormDataRequest, _: None) -> Any:
    files = (await request.load_form())[1]
    return of_class(request.file_storage_class, files, request.body)


async def _read_values(request: FormDataRequest, _: None) -> Any:
    kept = request.set_by_users
    if kept is not None and "values" in kept:
        return kept["values"]
    if request.method == "GET":
        return CombinedMultiDict([request.args])
    return CombinedMultiDict([request.args, (await request.load_form())[0]])
