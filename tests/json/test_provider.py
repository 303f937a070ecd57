"""What an app's JSON provider writes and reads."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import flask
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from werkzeug.wrappers import Response

from asyncflask import Flask, request
from asyncflask import json as asyncflask_json
from asyncflask._contextvars import context_var
from asyncflask.json.provider import DefaultJSONProvider, JSONProvider

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


class App:
    response_class = Response

    def __init__(self, provider_class: type[JSONProvider] = DefaultJSONProvider) -> None:
        self.debug = False
        self.json: Any = provider_class(self)


@pytest.fixture
def app() -> App:
    return App()


@contextmanager
def current_app(app: Any) -> Iterator[None]:
    context_var.set(SimpleNamespace(app=app))
    try:
        yield
    finally:
        context_var.set(None)


class Badge:
    def __html__(self) -> Markup:
        return Markup("<i>")


@dataclasses.dataclass
class Point:
    x: int
    y: int


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), '"Tue, 02 Jan 2024 03:04:05 GMT"'),
        (date(2024, 1, 2), '"Tue, 02 Jan 2024 00:00:00 GMT"'),
        (Decimal("1.50"), '"1.50"'),
        (UUID(int=7), '"00000000-0000-0000-0000-000000000007"'),
        (Point(1, 2), '{"x": 1, "y": 2}'),
        (Markup("<b>"), '"<b>"'),
        (Badge(), '"<i>"'),
        ({"b": 1, "a": "ü"}, '{"a": "\\u00fc", "b": 1}'),
        ("text", '"text"'),
        (float("inf"), "Infinity"),
    ],
)
def test_types_have_the_json_form_that_flask_gives_them(app: App, value: Any, text: str) -> None:
    assert app.json.dumps(value) == text
    assert flask.Flask("oracle").json.dumps(value) == text


@given(VALUES)
def test_what_is_written_is_flasks_byte_for_byte(value: Any) -> None:
    app, oracle = App(), flask.Flask("oracle")

    assert app.json.dumps(value) == oracle.json.dumps(value)
    assert app.json.dump_bytes(value) == oracle.json.response(value).data


def test_a_type_without_json_form_is_named_with_its_value_and_the_remedy(app: App) -> None:
    with pytest.raises(TypeError, match=r"complex is not JSON serializable: 1j\.\n\nConvert"):
        app.json.dumps({"z": 1j})


def test_a_class_is_not_taken_for_a_dataclass_instance(app: App) -> None:
    with pytest.raises(TypeError, match="type is not JSON serializable"):
        app.json.dumps(Point)


def test_an_object_that_contains_itself_is_refused(app: App) -> None:
    loop: list[Any] = []
    loop.append(loop)

    with pytest.raises(ValueError, match="Circular reference"):
        app.json.dumps(loop)


def test_an_object_that_contains_another_twice_is_written(app: App) -> None:
    shared = [1]

    assert app.json.dumps([shared, shared]) == "[[1], [1]]"


def test_one_object_can_be_written_by_many_threads_at_once(app: App) -> None:
    value = {str(number): [number] * 20 for number in range(200)}
    texts: list[str] = []
    threads = [
        threading.Thread(target=lambda: texts.append(app.json.dumps(value))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert texts == [json.dumps(value, sort_keys=True)] * 8


def test_a_kept_encoder_follows_changed_settings(app: App) -> None:
    assert app.json.dumps({"b": 1, "a": "ü"}) == '{"a": "\\u00fc", "b": 1}'
    app.json.sort_keys = False
    app.json.ensure_ascii = False
    app.json.default = lambda o: "other"

    assert app.json.dumps({"b": 1j, "a": "ü"}) == '{"b": "other", "a": "ü"}'
    assert app.json.dump_bytes({"b": 1j}) == b'{"b":"other"}\n'


def test_an_encoder_is_kept_while_the_settings_stay(app: App) -> None:
    assert app.json.dump_bytes([1]) == app.json.dump_bytes([1]) == b"[1]\n"
    kept = app.json._kept
    app.json.dump_bytes([2])

    assert app.json._kept is kept


def test_settings_assigned_on_a_class_later_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    class Provider(DefaultJSONProvider):
        pass

    app = App()
    provider = Provider(app)
    value = {"b": 1, "a": "ü"}
    assert provider.dumps(value) == '{"a": "\\u00fc", "b": 1}'

    Provider.ensure_ascii = False
    monkeypatch.setattr(DefaultJSONProvider, "sort_keys", False)
    assert provider.dumps(value) == '{"b": 1, "a": "ü"}'
    assert provider.dump_bytes(value) == '{"b":1,"a":"ü"}\n'.encode()

    del Provider.ensure_ascii
    assert provider.dumps(value) == '{"b": 1, "a": "\\u00fc"}'


def test_a_setting_that_is_removed_again_is_the_classes() -> None:
    provider = DefaultJSONProvider(App())
    provider.sort_keys = False
    assert provider.dumps({"b": 1, "a": 2}) == '{"b": 1, "a": 2}'

    del provider.sort_keys
    assert provider.dumps({"b": 1, "a": 2}) == '{"a": 2, "b": 1}'


def test_a_setting_that_is_a_property_is_read_each_time() -> None:
    class Alternating(DefaultJSONProvider):
        asked = 0

        @property
        def sort_keys(self) -> bool:  # type: ignore[override]
            self.asked += 1
            return self.asked % 2 == 0

    provider = Alternating(App())

    assert provider.dumps({"b": 1, "a": 2}) == '{"b": 1, "a": 2}'
    assert provider.dumps({"b": 1, "a": 2}) == '{"a": 2, "b": 1}'


def plain(provider: DefaultJSONProvider, value: Any) -> bytes | None:
    writer = provider.plain_writer()
    return None if writer is None else writer[0](value)


def test_the_plain_writer_makes_the_body_of_a_response(app: App) -> None:
    provider = DefaultJSONProvider(app)
    provider.mimetype = "application/vnd.api+json"

    assert plain(provider, {"b": 1, "a": 2}) == b'{"a":2,"b":1}\n'
    assert provider.plain_writer()[1] == "application/vnd.api+json"  # type: ignore[index]


def test_there_is_no_plain_writer_with_overridden_methods(app: App) -> None:
    class Dumps(DefaultJSONProvider):
        def dumps(self, obj: Any, **kwargs: Any) -> str:
            return "dumps"

    class Respond(DefaultJSONProvider):
        def response(self, *args: Any, **kwargs: Any) -> Any:
            return "response"

    assigned = DefaultJSONProvider(app)
    assert plain(assigned, 1) == b"1\n"
    assigned.response = lambda *args, **kwargs: "response"  # type: ignore[method-assign]

    assert [plain(each, 1) for each in (Dumps(app), Respond(app), assigned)] == [None] * 3


@pytest.mark.parametrize("name", ["dumps", "dump_bytes", "response", "_prepare_response_obj"])
def test_there_is_no_plain_writer_while_a_method_is_replaced_on_the_class(
    app: App, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    class Provider(DefaultJSONProvider):
        pass

    providers = [DefaultJSONProvider(app), Provider(app)]
    assert [plain(each, 1) for each in providers] == [b"1\n"] * 2
    with monkeypatch.context() as patch:
        patch.setattr(DefaultJSONProvider, name, lambda self, *args, **kwargs: "replaced")
        assert [plain(each, 1) for each in providers] == [None] * 2

    assert [plain(each, 1) for each in providers] == [b"1\n"] * 2


@pytest.mark.parametrize(
    ("compact", "debug", "body"),
    [(None, False, b"1\n"), (None, True, None), (True, True, b"1\n"), (False, False, None)],
)
def test_the_plain_writer_does_not_indent(
    compact: bool | None, debug: bool, body: bytes | None
) -> None:
    app = App()
    app.debug = debug
    provider = DefaultJSONProvider(app)
    provider.compact = compact

    assert plain(provider, 1) == body


def test_without_the_c_encoder_the_text_is_the_same(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("json.encoder.c_make_encoder", None)

    assert (
        app.json.dumps({"b": [1, 2.5, None], "a": "ü"}) == '{"a": "\\u00fc", "b": [1, 2.5, null]}'
    )


def test_a_subclass_can_have_default_as_a_method() -> None:
    class Provider(DefaultJSONProvider):
        def default(self, o: Any) -> Any:  # type: ignore[override]
            return f"{o} of {type(self).__name__}"

    app = App(Provider)

    assert app.json.dumps([1j]) == '["1j of Provider"]'


def test_arguments_of_dumps_win_over_the_providers_settings(app: App) -> None:
    assert app.json.dumps({"b": 1, "a": 2}, sort_keys=False) == '{"b": 1, "a": 2}'
    assert app.json.dumps([1j], default=str) == '["1j"]'
    assert app.json.dumps([1], indent=1) == "[\n 1\n]"


@pytest.mark.parametrize(
    ("compact", "debug", "body"),
    [
        (None, False, b'{"a":1}\n'),
        (None, True, b'{\n  "a": 1\n}\n'),
        (True, True, b'{"a":1}\n'),
        (False, False, b'{\n  "a": 1\n}\n'),
    ],
)
def test_a_response_is_compact_unless_debugging(
    app: App, compact: bool | None, debug: bool, body: bytes
) -> None:
    app.json.compact, app.debug = compact, debug

    assert app.json.response(a=1).data == body


@pytest.mark.parametrize(
    ("args", "kwargs", "body"),
    [
        ((), {}, b"null\n"),
        ((1,), {}, b"1\n"),
        ((1, 2), {}, b"[1,2]\n"),
        ((), {"a": 1}, b'{"a":1}\n'),
    ],
)
def test_a_response_is_made_of_values_or_keywords(
    app: App, args: tuple[Any, ...], kwargs: dict[str, Any], body: bytes
) -> None:
    response = app.json.response(*args, **kwargs)

    assert (response.data, response.mimetype) == (body, "application/json")


def test_a_response_of_values_and_keywords_is_refused(app: App) -> None:
    with pytest.raises(
        TypeError,
        match=r"args or kwargs; \(1,\) was given together with {'a': 2}\. Give",
    ):
        app.json.response(1, a=2)


def test_the_responses_type_can_be_changed(app: App) -> None:
    app.json.mimetype = "application/vnd.api+json"

    assert app.json.response(1).mimetype == "application/vnd.api+json"


def test_a_subclass_that_replaces_dumps_is_used_by_response() -> None:
    class Shouting(DefaultJSONProvider):
        def dumps(self, obj: Any, **kwargs: Any) -> str:
            return super().dumps(obj, **kwargs).upper()

    assert App(Shouting).json.response("a").data == b'"A"\n'


def test_a_dumps_that_was_put_on_the_provider_is_used_by_response(app: App) -> None:
    provider = DefaultJSONProvider(app)
    provider.dumps = lambda obj, **kwargs: "mine"  # type: ignore[method-assign]  # so people do

    assert provider.response(1).get_data() == b"mine\n"


def test_a_provider_of_another_library_needs_dumps_and_loads_only() -> None:
    class Other(JSONProvider):
        def dumps(self, obj: Any, **kwargs: Any) -> str:
            return f"<{obj}>"

        def loads(self, s: str | bytes, **kwargs: Any) -> Any:
            return str(s)[1:-1]

    app, file = App(Other), io.StringIO()
    app.json.dump("x", file)

    assert file.getvalue() == "<x>"
    assert app.json.load(io.StringIO("<x>")) == "x"
    assert app.json.response("x").data == b"<x>"


@pytest.mark.parametrize(("name", "args"), [("dumps", (1,)), ("loads", ("1",))])
def test_a_provider_without_a_method_is_an_error_that_names_it(
    name: str, args: tuple[Any, ...]
) -> None:
    with pytest.raises(NotImplementedError, match=rf"has no {name}\(\) of its own.*\n\nDefine it"):
        getattr(App(JSONProvider).json, name)(*args)


def test_a_provider_does_not_keep_its_app_alive() -> None:
    provider = App().json

    with pytest.raises(ReferenceError, match="weakly-referenced object no longer exists"):
        provider.response(1)


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"],
)
@pytest.mark.parametrize(
    "text", ['{"a": "ü"}', "[1]", "1", "12", "null", '"ü"', '"漢字"', ' \n[{"a": 1}]\r\n', "-0.5e3"]
)
def test_json_in_a_unicode_encoding_is_read(app: App, encoding: str, text: str) -> None:
    assert app.json.loads(text.encode(encoding)) == json.loads(text)


@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"[1", b"[1] x", b"[1]\0", b"\0[1]", b"nul", b'"a', b'"a\nb"', b"{1: 2}", b"'a'"],
)
def test_malformed_json_raises_the_error_of_json_loads(app: App, body: bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting|Extra|Invalid|Unterminated") as expected:
        json.loads(body)
    with pytest.raises(ValueError, match=re.escape(str(expected.value))):
        app.json.loads(body)


@pytest.mark.parametrize(
    "body", ['{"a": "ü"}'.encode("latin-1"), "ü".encode("cp037"), b"\xff\xfe\x00"]
)
def test_json_in_an_odd_encoding_is_a_value_error(app: App, body: bytes) -> None:
    """CVE-2018-1000656, CVE-2019-1010083: nothing but UTF-8/16/32 is tried."""
    with pytest.raises(ValueError, match=r"decode|Expecting"):
        app.json.loads(body)


# -- the module's functions ------------------------------------------------------------------------


def test_functions_work_without_an_app_and_know_the_same_types() -> None:
    file = io.StringIO()
    asyncflask_json.dump(UUID(int=1), file)

    assert asyncflask_json.dumps({"b": Decimal(1), "a": 1}) == '{"b": "1", "a": 1}'
    assert file.getvalue() == '"00000000-0000-0000-0000-000000000001"'
    assert asyncflask_json.loads(b"[1]") == [1]
    assert asyncflask_json.load(io.BytesIO(b"[1]")) == [1]


def test_functions_use_the_current_apps_provider() -> None:
    class Other(JSONProvider):
        def dumps(self, obj: Any, **kwargs: Any) -> str:
            return "dumped"

        def loads(self, s: str | bytes, **kwargs: Any) -> Any:
            return "loaded"

    file = io.StringIO()
    with current_app(App(Other)):
        asyncflask_json.dump(1, file)

        assert asyncflask_json.dumps(1) == file.getvalue() == "dumped"
        assert asyncflask_json.loads("1") == asyncflask_json.load(io.StringIO("1")) == "loaded"
        assert asyncflask_json.jsonify(1).data == b"dumped"


def test_jsonify_makes_a_response_of_the_current_app(app: App) -> None:
    with current_app(app):
        response = asyncflask_json.jsonify(a=1)

    assert (response.data, response.mimetype) == (b'{"a":1}\n', "application/json")


def test_jsonify_without_an_app_says_where_to_call_it() -> None:
    with pytest.raises(RuntimeError, match=r"no app is active.*\n\nCall it in a view"):
        asyncflask_json.jsonify(1)


async def test_an_un_awaited_value_in_json_is_told_by_name():
    app = Flask(__name__)
    app.testing = True

    @app.post("/")
    async def view():
        return {"data": request.get_json()}

    with pytest.raises(TypeError, match=r"request\.get_json\(\), not awaited.*Await it"):
        await app.test_client().post("/", json={})
