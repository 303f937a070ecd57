"""The explanation, in debug mode, of a file that a form did not send because of its type.

Its public place is :mod:`asyncflask.debughelpers`.
"""

from __future__ import annotations

from typing import Any, Protocol

from werkzeug.datastructures import MultiDict

MULTIPART = "multipart/form-data"


class FormRequest(Protocol):
    """A request whose form has been read."""

    @property
    def form(self) -> MultiDict[str, str]: ...

    @property
    def files(self) -> MultiDict[str, Any]: ...

    @property
    def mimetype(self) -> str: ...


class Sent:  # PERF: no dataclass, which takes 0.5 ms to make, at each import.
    """What a request's form was read as."""

    def __init__(
        self, form: MultiDict[str, str], files: MultiDict[str, Any], mimetype: str
    ) -> None:
        self.form = form
        self.files = files
        self.mimetype = mimetype


class DebugFilesKeyError(KeyError, AssertionError):
    """A file was looked for in a form that was not sent as ``multipart/form-data``.

    Args:
        request: The request.
        key: The field.

    Source: ``Flask: debughelpers.DebugFilesKeyError``.
    """

    def __init__(self, request: FormRequest, key: str) -> None:
        # COMPAT: Flask's suite looks for "no file contents were transmitted" and "This was
        # submitted: ".
        names = ", ".join(map(repr, request.form.getlist(key)))
        self.msg = (
            f"request.files[{key!r}] was read, but the form was sent as {request.mimetype!r}, so"
            " no file contents were transmitted.\n\n"
            'Add enctype="multipart/form-data" to the <form>.'
        )
        if names:
            self.msg += f" The browser sent names only. This was submitted: {names}"
        super().__init__(self.msg)

    def __str__(self) -> str:
        return self.msg


def explain_missing_files(app: Any, sent: Sent) -> None:
    """Let ``files`` explain a missing file, in debug mode, where the form could not carry any.

    Args:
        app: The app; ``None`` outside of every app.
        sent: The form that was read.

    Source: ``Flask: Request._load_form_data``.
    """
    if app is not None and app.debug and sent.mimetype != MULTIPART and not sent.files:
        attach_enctype_error_multidict(sent)


def attach_enctype_error_multidict(request: FormRequest) -> None:
    """Let ``request.files[key]`` raise :class:`DebugFilesKeyError` for a field that was no file.

    Args:
        request: A request that was not sent as ``multipart/form-data``, its form already read (of
            an asynchronous request: an object with what was awaited). The class of its ``files`` is
            replaced by a subclass.

    Source: ``Flask: debughelpers.attach_enctype_error_multidict``.
    """
    plain: type[MultiDict[str, Any]] = type(request.files)

    class ExplainingFiles(plain):  # type: ignore[misc, valid-type]  # whatever class it has
        def __getitem__(self, key: str) -> Any:
            try:
                return super().__getitem__(key)
            except KeyError as error:
                if key not in request.form:
                    raise
                raise DebugFilesKeyError(request, key).with_traceback(error.__traceback__) from None

    ExplainingFiles.__name__ = plain.__name__
    ExplainingFiles.__module__ = plain.__module__
    request.files.__class__ = ExplainingFiles
