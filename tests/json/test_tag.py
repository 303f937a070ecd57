"""Tagged JSON, compared with Flask's own serializer."""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.json.tag import TaggedJSONSerializer as FlaskSerializer
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from asyncflask import Flask
from asyncflask.json.tag import JSONTag, TaggedJSONSerializer

KEYS = st.text() | st.sampled_from([" t", " di", " b", " t__", "_flashes"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.uuids()
    | st.text().map(Markup)
    | st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(
        lambda value: value.replace(microsecond=0, tzinfo=UTC)
    ),
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(KEYS, inner, max_size=3)
    ),
)


@given(VALUES)
def test_the_text_is_flasks_and_each_reads_the_others(value: Any) -> None:
    ours, theirs = TaggedJSONSerializer(), FlaskSerializer()
    text = ours.dumps(value)

    assert text == theirs.dumps(value)
    assert ours.loads(text) == theirs.loads(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ((1, 2), '{" t":[1,2]}'),
        (b"\xff", '{" b":"/w=="}'),
        (Markup("<b>"), '{" m":"<b>"}'),
        (UUID(int=1), '{" u":"00000000000000000000000000000001"}'),
        (datetime(2024, 1, 2, tzinfo=UTC), '{" d":"Tue, 02 Jan 2024 00:00:00 GMT"}'),
        ({" t": [1]}, '{" di":{" t__":[1]}}'),
        ({"_flashes": [("error", "No.")]}, '{"_flashes":[{" t":["error","No."]}]}'),
        ({" t": 1, "other": 2}, '{" t":1,"other":2}'),
    ],
)
def test_each_type_has_its_tag(value: Any, text: str) -> None:
    serializer = TaggedJSONSerializer()

    assert serializer.dumps(value) == text
    back = serializer.loads(text)
    assert (back, type(back)) == (value, type(value))


def test_what_has_html_comes_back_as_markup() -> None:
    class Badge:
        def __html__(self) -> str:
            return "<i>"

    serializer = TaggedJSONSerializer()

    assert serializer.loads(serializer.dumps([Badge()])) == [Markup("<i>")]


def test_a_subclass_of_a_plain_type_is_tagged_by_its_own_tag() -> None:
    class Name(str):
        pass

    class TagName(JSONTag):
        key = " name"

        def check(self, value: Any) -> bool:
            return isinstance(value, Name)

        def to_json(self, value: Any) -> Any:
            return str(value)

        def to_python(self, value: Any) -> Any:
            return Name(value)

    serializer = TaggedJSONSerializer()
    serializer.register(TagName)

    assert isinstance(serializer.loads(serializer.dumps({"who": Name("a")}))["who"], Name)


def test_a_registered_tag_may_come_before_the_others() -> None:
    class TagOrderedDict(JSONTag):
        key = " od"

        def check(self, value: Any) -> bool:
            return isinstance(value, OrderedDict)

        def to_json(self, value: Any) -> Any:
            return [[key, self.serializer.tag(item)] for key, item in value.items()]

        def to_python(self, value: Any) -> Any:
            return OrderedDict(value)

    serializer = TaggedJSONSerializer()
    serializer.register(TagOrderedDict, index=0)
    text = serializer.dumps(OrderedDict(b=(1,), a=2))

    assert text == '{" od":[["b",{" t":[1]}],["a",2]]}'
    assert isinstance(serializer.order[0], TagOrderedDict)
    assert type(serializer.loads(text)) is OrderedDict


def test_a_registered_tag_is_asked_for_plain_values_too() -> None:
    class TagInt(JSONTag):
        key = " i"

        def check(self, value: Any) -> bool:
            return type(value) is int

        def to_json(self, value: Any) -> Any:
            return str(value)

        def to_python(self, value: Any) -> Any:
            return int(value)

    serializer = TaggedJSONSerializer()
    serializer.register(TagInt)

    assert serializer.dumps({"a": 1}) == '{"a":{" i":"1"}}'
    assert serializer.loads('{"a":{" i":"1"}}') == {"a": 1}


def test_a_key_is_registered_once_unless_forced() -> None:
    class TagTuple(JSONTag):
        key = " t"

    serializer = TaggedJSONSerializer()
    with pytest.raises(KeyError, match="The tag ' t' of TagTuple is registered already"):
        serializer.register(TagTuple)
    serializer.register(TagTuple, force=True, index=0)

    assert type(serializer.tags[" t"]) is type(serializer.order[0]) is TagTuple


@pytest.mark.parametrize("name", ["check", "to_json", "to_python"])
def test_a_tag_without_a_conversion_is_an_error_that_names_it(name: str) -> None:
    with pytest.raises(NotImplementedError, match=rf"has no {name}\(\) of its own.*\n\nDefine it"):
        getattr(JSONTag(TaggedJSONSerializer()), name)(1)


def test_a_tag_without_a_key_only_passes_on() -> None:
    class PassUpper(JSONTag):
        def check(self, value: Any) -> bool:
            return isinstance(value, str)

        def to_json(self, value: Any) -> Any:
            return value.upper()

        tag = to_json

    serializer = TaggedJSONSerializer()
    serializer.register(PassUpper)

    assert serializer.dumps(["a"]) == '["A"]'
    assert "" not in serializer.tags


def test_a_deep_value_keeps_its_types() -> None:
    value = {"a": [({"b": (uuid4(),)},)], "c": [[], {}, None]}
    serializer = TaggedJSONSerializer()

    assert serializer.loads(serializer.dumps(value)) == value


def test_the_methods_of_a_subclass_are_called_for_every_value() -> None:
    class Counting(TaggedJSONSerializer):
        def tag(self, value: Any) -> Any:
            return super().tag(value + 1 if isinstance(value, int) else value)

        def untag(self, value: dict[str, Any]) -> Any:
            return super().untag({key: item - 1 for key, item in value.items()})

    text = Counting().dumps({"a": 1, "b": 2})

    assert text == '{"a":2,"b":3}'
    assert Counting().loads(text) == {"a": 1, "b": 2}


@pytest.mark.parametrize("text", ['{"\\u0020t":[1]}', '{ " t" : [1] }', '[{"a":{" t":[1]}}]'])
def test_a_tag_is_read_however_it_is_written(text: str) -> None:
    serializer = TaggedJSONSerializer()

    assert serializer.loads(text) in ((1,), [{"a": (1,)}])


def test_a_tag_whose_key_has_no_space_is_read() -> None:
    class TagSet(JSONTag):
        key = "set"

        def check(self, value: Any) -> bool:
            return isinstance(value, set)

        def to_json(self, value: Any) -> Any:
            return sorted(value)

        def to_python(self, value: Any) -> Any:
            return set(value)

    serializer = TaggedJSONSerializer()
    serializer.register(TagSet)
    text = serializer.dumps({"a": {1, 2}})

    assert text == '{"a":{"set":[1,2]}}'
    assert serializer.loads(text) == {"a": {1, 2}}


def test_tags_that_were_put_into_the_tables_directly_are_asked() -> None:
    class Upper(JSONTag):
        key = "U"

        def check(self, value: Any) -> bool:
            return isinstance(value, str)

        def to_json(self, value: Any) -> Any:
            return value.upper()

        def to_python(self, value: Any) -> Any:
            return value.lower()

    serializer = TaggedJSONSerializer()
    serializer.order.insert(0, Upper(serializer))
    serializer.tags["U"] = serializer.order[0]

    assert serializer.dumps("a") == '{"U":"A"}'
    assert serializer.loads('{"U":"A"}') == "a"


@pytest.mark.parametrize("text", [' {"a": 1} ', '{"a":1}\n'])
def test_spaces_around_the_text_are_ignored(text: str) -> None:
    assert TaggedJSONSerializer().loads(text) == {"a": 1}


@pytest.mark.parametrize("text", ["", "{", '{"a":1}x', "[1,]", "nope"])
def test_malformed_json_raises_the_error_of_json_loads(text: str) -> None:
    with pytest.raises(ValueError, match="line 1 column"):
        TaggedJSONSerializer().loads(text)


def test_the_apps_own_json_reads_and_writes() -> None:
    app = Flask("shop")
    app.json.loads = lambda s, **kwargs: {"read": s}
    app.json.dumps = lambda obj, **kwargs: repr(obj)

    with app.app_context():
        assert TaggedJSONSerializer().loads("x") == {"read": "x"}
        assert TaggedJSONSerializer().dumps({"a": 1}) == "{'a': 1}"
