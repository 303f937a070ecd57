"""Tagged JSON: how a session keeps tuples, bytes, dates … in JSON.

A value of another type is written as an object with one key, the type's tag: ``{" t": [1, 2]}`` is
a tuple. The format is Flask's, so that each framework reads the cookies of the other. They are
signed in :mod:`asyncflask.sessions`.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from markupsafe import Markup
from werkzeug.http import http_date, parse_date

from .._contextvars import current
from .._fast.tags import needs_no_tags
from ..exceptions import missing_method
from . import dumps, loads

_KIND = "a tag of the session's JSON"


class JSONTag:
    """How a type is written in JSON. A subclass defines :attr:`key` and three methods.

    Args:
        serializer: The serializer it is registered with, for tagging what a value contains.

    Source: ``Flask: json.tag.JSONTag``.
    """

    __slots__ = ("serializer",)

    key: str = ""
    """The tag; empty for a type that JSON knows and whose content is to be tagged."""

    def __init__(self, serializer: TaggedJSONSerializer) -> None:
        self.serializer = serializer

    def check(self, value: object) -> bool:
        """Return whether this tag is for ``value``.

        Args:
            value: Any value.

        Returns:
            Whether it is.

        Raises:
            NotImplementedError: A subclass has to define this method, and does not.
        """
        raise missing_method(self, _KIND, "check(self, value)")

    def to_json(self, value: Any) -> object:
        """Return ``value`` as a type of JSON, without the tag.

        Args:
            value: A value that :meth:`check` accepts.

        Returns:
            The JSON form.

        Raises:
            NotImplementedError: A subclass has to define this method, and does not.
        """
        raise missing_method(self, _KIND, "to_json(self, value)")

    def to_python(self, value: Any) -> object:
        """Return the value that a JSON form stands for.

        Args:
            value: What :meth:`to_json` returned.

        Returns:
            The value.

        Raises:
            NotImplementedError: A subclass has to define this method, and does not.
        """
        raise missing_method(self, _KIND, "to_python(self, value)")

    def tag(self, value: Any) -> object:
        """Return the JSON form of ``value`` with the tag.

        Args:
            value: A value that :meth:`check` accepts.
        """
        return {self.key: self.to_json(value)}


class TagDict(JSONTag):
    """An object with one key that looks like a tag: ``__`` is appended to the key."""

    __slots__ = ()
    key = " di"

    def check(self, value: object) -> bool:
        """Return whether ``value`` looks like a tagged value.

        Args:
            value: Any value.
        """
        return (
            isinstance(value, dict)
            and len(value) == 1
            and next(iter(value)) in self.serializer.tags
        )

    def to_json(self, value: dict[str, object]) -> dict[str, object]:
        """Append ``__`` to the key.

        Args:
            value: A dict that :meth:`check` accepts.

        Returns:
            A new dict, whose value is tagged.
        """
        ((key, content),) = value.items()
        return {f"{key}__": self.serializer.tag(content)}

    def to_python(self, value: dict[str, object]) -> dict[str, object]:
        """Remove the ``__``.

        Args:
            value: The dict; its value is read already.

        Returns:
            A new dict, with the key as it was.
        """
        ((key, content),) = value.items()
        return {key[:-2]: content}


class PassDict(JSONTag):
    """Any other object: its values are tagged, the keys are strings in JSON anyway."""

    __slots__ = ()

    def check(self, value: object) -> bool:
        """Return whether it is a dict.

        Args:
            value: Any value.
        """
        return isinstance(value, dict)

    def to_json(self, value: dict[str, object]) -> dict[str, object]:
        """Tag the values.

        Args:
            value: A dict.

        Returns:
            A new dict with the same keys.
        """
        tag = self.serializer.tag
        return {key: tag(content) for key, content in value.items()}

    tag = to_json


class TagTuple(JSONTag):
    """A tuple, written as a list."""

    __slots__ = ()
    key = " t"

    def check(self, value: object) -> bool:
        """Return whether it is a tuple.

        Args:
            value: Any value.
        """
        return isinstance(value, tuple)

    def to_json(self, value: tuple[object, ...]) -> list[object]:
        """Tag the items.

        Args:
            value: A tuple.

        Returns:
            A list.
        """
        return [self.serializer.tag(item) for item in value]

    def to_python(self, value: list[object]) -> tuple[object, ...]:
        """Return the list as a tuple.

        Args:
            value: The list; its items are read already.
        """
        return tuple(value)


class PassList(JSONTag):
    """A list: its items are tagged."""

    __slots__ = ()

    def check(self, value: object) -> bool:
        """Return whether it is a list.

        Args:
            value: Any value.
        """
        return isinstance(value, list)

    def to_json(self, value: list[object]) -> list[object]:
        """Tag the items.

        Args:
            value: A list.

        Returns:
            A new list.
        """
        return [self.serializer.tag(item) for item in value]

    tag = to_json


class TagBytes(JSONTag):
    """Bytes, written in Base64."""

    __slots__ = ()
    key = " b"

    def check(self, value: object) -> bool:
        """Return whether it is bytes.

        Args:
            value: Any value.
        """
        return isinstance(value, bytes)

    def to_json(self, value: bytes) -> str:
        """Return the Base64.

        Args:
            value: The bytes.
        """
        return b64encode(value).decode("ascii")

    def to_python(self, value: str) -> bytes:
        """Return the bytes.

        Args:
            value: The Base64.

        Raises:
            ValueError: It is not Base64.
        """
        return b64decode(value)


class _HasHTML(Protocol):
    def __html__(self) -> str: ...


class TagMarkup(JSONTag):
    """An object with ``__html__()``; it is read as :class:`~markupsafe.Markup`."""

    __slots__ = ()
    key = " m"

    def check(self, value: object) -> bool:
        """Return whether it has ``__html__()``.

        Args:
            value: Any value.
        """
        return callable(getattr(value, "__html__", None))

    def to_json(self, value: _HasHTML) -> str:
        """Return the HTML.

        Args:
            value: An object with ``__html__()``.
        """
        return str(value.__html__())

    def to_python(self, value: str) -> Markup:
        """Return it as Markup.

        Args:
            value: The HTML.
        """
        return Markup(value)


class TagUUID(JSONTag):
    """A UUID, written in 32 hexadecimal digits."""

    __slots__ = ()
    key = " u"

    def check(self, value: object) -> bool:
        """Return whether it is a UUID.

        Args:
            value: Any value.
        """
        return isinstance(value, UUID)

    def to_json(self, value: UUID) -> str:
        """Return the digits.

        Args:
            value: A UUID.
        """
        return value.hex

    def to_python(self, value: str) -> UUID:
        """Return the UUID.

        Args:
            value: The digits.

        Raises:
            ValueError: They are not those of a UUID.
        """
        return UUID(value)


class TagDateTime(JSONTag):
    """A date with time, written as an HTTP date: to the second, in UTC."""

    __slots__ = ()
    key = " d"

    def check(self, value: object) -> bool:
        """Return whether it is a datetime.

        Args:
            value: Any value.
        """
        return isinstance(value, datetime)

    def to_json(self, value: datetime) -> str:
        """Return the HTTP date.

        Args:
            value: A datetime; one without a time zone counts as UTC.
        """
        return http_date(value)

    def to_python(self, value: str) -> datetime | None:
        """Return the datetime.

        Args:
            value: The HTTP date.

        Returns:
            The datetime, in UTC; ``None`` if it cannot be parsed.
        """
        return parse_date(value)


class TaggedJSONSerializer:
    """Writes and reads JSON that keeps tuples, bytes, Markup, UUIDs and datetimes.

    :meth:`register` adds further types; tags are tried in :attr:`order`.

    Source: ``Flask: json.tag.TaggedJSONSerializer``.
    """

    __slots__ = ("_default_order", "_default_tags", "order", "tags")

    default_tags: list[type[JSONTag]] = [
        TagDict,
        PassDict,
        TagTuple,
        PassList,
        TagBytes,
        TagMarkup,
        TagUUID,
        TagDateTime,
    ]
    """The tags of a new serializer."""

    def __init__(self) -> None:
        self.tags: dict[str, JSONTag] = {}
        self.order: list[JSONTag] = []
        for tag_class in self.default_tags:
            self.register(tag_class)
        # Those of this class, as they are until one is registered; None for all others.
        is_default = (
            type(self) is TaggedJSONSerializer and list(map(type, self.order)) == _DEFAULT_TAGS
        )
        self._default_order: list[JSONTag] | None = [*self.order] if is_default else None
        self._default_tags: dict[str, JSONTag] | None = {**self.tags} if is_default else None

    def register(
        self, tag_class: type[JSONTag], force: bool = False, index: int | None = None
    ) -> None:
        """Add a type.

        Args:
            tag_class: Its tag.
            force: Replace a tag with the same key.
            index: Its place in :attr:`order`; a special case of another type is tried before it
                (``0`` for a kind of dict). ``None``: at the end.

        Raises:
            KeyError: The key is taken, and ``force`` is not set.
        """
        tag = tag_class(self)
        if tag.key:
            if not force and tag.key in self.tags:
                raise KeyError(
                    f"The tag {tag.key!r} of {tag_class.__name__} is registered already, for"
                    f" {type(self.tags[tag.key]).__name__}. Use another key, or force=True to"
                    " replace it."
                )
            self.tags[tag.key] = tag
        self.order.insert(len(self.order) if index is None else index, tag)

    def tag(self, value: object) -> object:
        """Return ``value`` with tags where they are needed.

        Args:
            value: Any value.
        """
        for tag in self.order:
            if tag.check(value):
                return tag.tag(value)
        return value

    def untag(self, value: dict[str, object]) -> object:
        """Return the value of an object whose only key is a tag; else the object itself.

        Args:
            value: The object.
        """
        if len(value) != 1:
            return value
        ((key, content),) = value.items()
        tag = self.tags.get(key)
        return value if tag is None else tag.to_python(content)

    def _untag_scan(self, value: object) -> object:
        if isinstance(value, dict):
            return self.untag({key: self._untag_scan(item) for key, item in value.items()})
        if isinstance(value, list):
            return [self._untag_scan(item) for item in value]
        return value

    def dumps(self, value: object) -> str:
        """Return ``value`` as compact tagged JSON.

        Args:
            value: The value.

        Raises:
            TypeError: Something in ``value`` has no JSON form.
        """
        # Other tags than the default ones may be meant for values of any type.
        if self.order != self._default_order or not needs_no_tags(value, self.tags):
            value = self.tag(value)
        ctx = current()
        if ctx is None:
            return dumps(value, separators=(",", ":"))
        text: str = ctx.app.json.dumps(value, separators=(",", ":"))
        return text

    def loads(self, value: str) -> Any:
        """Return the value of tagged JSON.

        Args:
            value: What :meth:`dumps` wrote.

        Raises:
            ValueError: It is not JSON.
        """
        ctx = current()
        content = loads(value) if ctx is None else ctx.app.json.loads(value)
        # Each of the default tags begins with a space, which only an escape could hide.
        is_plain = isinstance(value, str) and '" ' not in value and "\\" not in value
        if is_plain and self.tags == self._default_tags:
            return content
        return self._untag_scan(content)


_DEFAULT_TAGS = list(TaggedJSONSerializer.default_tags)
