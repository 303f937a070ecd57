"""Tagged JSON: how a session keeps tuples, bytes, dates … through JSON and back.

A value of another type is written as an object with one key, the type's tag: ``{" t": [1, 2]}`` is
a tuple. The bytes are Flask's own, so that cookies can be read by either. Signing is not here but
in :mod:`asyncflask.sessions`.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import datetime
from typing import Any
from uuid import UUID

from markupsafe import Markup
from werkzeug.http import http_date, parse_date

from .._current import slot
from .._fast.json_decoder import decode_text
from .._fast.tags import has_no_tags, needs_no_tags
from ..exceptions import missing_method
from . import dumps, loads
from .provider import DefaultJSONProvider, is_method

_KIND = "a tag of the session's JSON"


class JSONTag:
    """One type's way through JSON. A subclass gives :attr:`key` and the three conversions.

    Args:
        serializer: The serializer it is registered with, for tagging what a value contains.

    Source: ``Flask: json.tag.JSONTag``.
    """

    __slots__ = ("serializer",)

    key: str = ""
    """The tag; empty for a type that JSON knows and whose content is to be tagged."""

    def __init__(self, serializer: TaggedJSONSerializer) -> None:
        self.serializer = serializer

    def check(self, value: Any) -> bool:
        """Tell whether this tag is for ``value``."""
        raise missing_method(self, _KIND, "check(self, value)")

    def to_json(self, value: Any) -> Any:
        """Convert ``value`` to a type of JSON, without the tag."""
        raise missing_method(self, _KIND, "to_json(self, value)")

    def to_python(self, value: Any) -> Any:
        """Convert the JSON form, its tag taken off, back."""
        raise missing_method(self, _KIND, "to_python(self, value)")

    def tag(self, value: Any) -> dict[str, Any]:
        """Convert ``value`` and put the tag around it."""
        return {self.key: self.to_json(value)}


class TagDict(JSONTag):
    """An object with one key that looks like a tag: the key is written with ``__`` behind it."""

    __slots__ = ()
    key = " di"

    def check(self, value: Any) -> bool:
        """Tell whether ``value`` would be taken for a tagged one."""
        return (
            isinstance(value, dict)
            and len(value) == 1
            and next(iter(value)) in self.serializer.tags
        )

    def to_json(self, value: Any) -> Any:
        """Write the key with ``__`` behind it."""
        ((key, content),) = value.items()
        return {f"{key}__": self.serializer.tag(content)}

    def to_python(self, value: Any) -> Any:
        """Take the ``__`` off again."""
        ((key, content),) = value.items()
        return {key[:-2]: content}


class PassDict(JSONTag):
    """Any other object: its values are tagged, the keys are strings in JSON anyway."""

    __slots__ = ()

    def check(self, value: Any) -> bool:
        """Tell whether it is a dict."""
        return isinstance(value, dict)

    def to_json(self, value: Any) -> Any:
        """Tag the values."""
        tag = self.serializer.tag
        return {key: tag(content) for key, content in value.items()}

    tag = to_json


class TagTuple(JSONTag):
    """A tuple, written as a list."""

    __slots__ = ()
    key = " t"

    def check(self, value: Any) -> bool:
        """Tell whether it is a tuple."""
        return isinstance(value, tuple)

    def to_json(self, value: Any) -> Any:
        """Tag the items."""
        return [self.serializer.tag(item) for item in value]

    def to_python(self, value: Any) -> Any:
        """Make the list a tuple."""
        return tuple(value)


class PassList(JSONTag):
    """A list: its items are tagged."""

    __slots__ = ()

    def check(self, value: Any) -> bool:
        """Tell whether it is a list."""
        return isinstance(value, list)

    def to_json(self, value: Any) -> Any:
        """Tag the items."""
        return [self.serializer.tag(item) for item in value]

    tag = to_json


class TagBytes(JSONTag):
    """Bytes, written in Base64."""

    __slots__ = ()
    key = " b"

    def check(self, value: Any) -> bool:
        """Tell whether it is bytes."""
        return isinstance(value, bytes)

    def to_json(self, value: Any) -> Any:
        """Encode."""
        return b64encode(value).decode("ascii")

    def to_python(self, value: Any) -> Any:
        """Decode."""
        return b64decode(value)


class TagMarkup(JSONTag):
    """What has ``__html__()``; comes back as :class:`~markupsafe.Markup`."""

    __slots__ = ()
    key = " m"

    def check(self, value: Any) -> bool:
        """Tell whether it has ``__html__()``."""
        return callable(getattr(value, "__html__", None))

    def to_json(self, value: Any) -> Any:
        """Take the HTML."""
        return str(value.__html__())

    def to_python(self, value: Any) -> Any:
        """Mark it as safe again."""
        return Markup(value)


class TagUUID(JSONTag):
    """A UUID, written in 32 hexadecimal digits."""

    __slots__ = ()
    key = " u"

    def check(self, value: Any) -> bool:
        """Tell whether it is a UUID."""
        return isinstance(value, UUID)

    def to_json(self, value: Any) -> Any:
        """Take the digits."""
        return value.hex

    def to_python(self, value: Any) -> Any:
        """Make it a UUID."""
        return UUID(value)


class TagDateTime(JSONTag):
    """A date with time, written as an HTTP date: to the second, in UTC."""

    __slots__ = ()
    key = " d"

    def check(self, value: Any) -> bool:
        """Tell whether it is a datetime."""
        return isinstance(value, datetime)

    def to_json(self, value: Any) -> Any:
        """Write the HTTP date."""
        return http_date(value)

    def to_python(self, value: Any) -> Any:
        """Read the HTTP date."""
        return parse_date(value)


class TaggedJSONSerializer:
    """Write and read JSON that keeps tuples, bytes, Markup, UUIDs and datetimes.

    Further types are added with :meth:`register`; each is tried in :attr:`order`.

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
            index: Where in :attr:`order` to try it; a special case of another type comes before
                that one (``0`` for a kind of dict). ``None``: at the end.

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

    def tag(self, value: Any) -> Any:
        """Return ``value`` with everything tagged that needs it."""
        for tag in self.order:
            if tag.check(value):
                return tag.tag(value)
        return value

    def untag(self, value: dict[str, Any]) -> Any:
        """Return what an object stands for, if its only key is a tag; else the object itself."""
        if len(value) != 1:
            return value
        ((key, content),) = value.items()
        tag = self.tags.get(key)
        return value if tag is None else tag.to_python(content)

    def _untag_scan(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self.untag({key: self._untag_scan(item) for key, item in value.items()})
        if isinstance(value, list):
            return [self._untag_scan(item) for item in value]
        return value

    def dumps(self, value: Any) -> str:
        """Return ``value`` as compact tagged JSON.

        Args:
            value: What to write.

        Raises:
            TypeError: Something in ``value`` has no JSON form.
        """
        # Other tags than the default ones may be meant for values of any type.
        if self.order != self._default_order or not needs_no_tags(value, self.tags):
            value = self.tag(value)
        ctx = slot.get()
        if ctx is None:
            return dumps(value, separators=(",", ":"))
        provider = ctx.app.json
        compact_encode = getattr(provider, "compact_encode", None)
        encode = compact_encode() if compact_encode else None
        if encode is not None:
            return encode(value)  # type: ignore[no-any-return]  # it is text
        text: str = provider.dumps(value, separators=(",", ":"))
        return text

    def loads(self, value: str) -> Any:
        """Return the value of tagged JSON.

        Args:
            value: What :meth:`dumps` wrote.

        Raises:
            ValueError: It is not JSON.
        """
        ctx = slot.get()
        content = None
        if ctx is None or is_method(ctx.app.json.loads, DefaultJSONProvider.loads):
            content = decode_text(value)
        if content is None:
            content = loads(value)
        if self.tags == self._default_tags and has_no_tags(value):
            return content
        return self._untag_scan(content)


_DEFAULT_TAGS = list(TaggedJSONSerializer.default_tags)
