"""Rules: Werkzeug's, with builders that are compiled when they are needed."""

from __future__ import annotations

import pytest
import werkzeug.routing
from werkzeug.routing import BaseConverter, Submount

from asyncflask import Flask
from asyncflask.routing import Map, Rule


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the rules whose builders Werkzeug has compiled."""
    rules: list[str] = []
    original = werkzeug.routing.Rule._compile_builder

    def record(self: werkzeug.routing.Rule, append_unknown: bool = True) -> object:
        rules.append(self.rule)
        return original(self, append_unknown)

    monkeypatch.setattr(werkzeug.routing.Rule, "_compile_builder", record)
    return rules


def test_adding_and_matching_compile_no_builder(compiled: list[str]) -> None:
    url_map = Map([Rule("/a/<int:x>", endpoint="a")])
    url_map.bind("localhost").match("/a/1")

    assert compiled == []


def test_a_builder_is_compiled_once(compiled: list[str]) -> None:
    urls = Map([Rule("/a/<int:x>", endpoint="a"), Rule("/b", endpoint="b")]).bind("localhost")

    assert [urls.build("a", {"x": x}) for x in range(3)] == ["/a/0", "/a/1", "/a/2"]
    assert compiled == ["/a/<int:x>"]


@pytest.mark.parametrize("append_unknown", [True, False])
@pytest.mark.parametrize(
    "values",
    [{}, {"x": "a b"}, {"x": "é/", "y": 1}, {"x": 1, "rule": 2, "self": 3}, {"x": [1, 2]}],
)
def test_building_is_werkzeugs(values: dict[str, object], append_unknown: bool) -> None:
    """Names such as `rule` and `self` may be values."""
    ours, theirs = (
        [kind("/r/<x>/<rule>", endpoint="e"), kind("/r/<x>", endpoint="e"), kind("/", endpoint="e")]
        for kind in (Rule, werkzeug.routing.Rule)
    )
    built, expected = (
        Map(rules).bind("localhost").build("e", values, append_unknown=append_unknown)
        for rules in (ours, theirs)
    )

    assert built == expected


def test_a_refreshed_rule_builds_its_new_url() -> None:
    rule = Rule("/old", endpoint="e")
    urls = Map([rule]).bind("localhost")
    urls.build("e")
    rule.rule = "/new"
    rule.refresh()

    assert urls.build("e") == "/new"


def test_a_default_that_its_converter_refuses_is_reported_when_added() -> None:
    with pytest.raises(ValueError, match="'c' is not one of 'a', 'b'"):
        Map([Rule("/<any(a, b):x>", defaults={"x": "c"}, endpoint="e")])


def test_a_variable_named_twice_is_reported_when_added() -> None:
    with pytest.raises(ValueError, match=r"'/<x>/<int:x>' for endpoint 'e' has two variables of"):
        Map([Rule("/<x>/<int:x>", endpoint="e")])


def test_a_rule_has_not_decided_about_options() -> None:
    assert Rule("/").provide_automatic_options is None


def test_a_rule_has_the_attributes_that_tracing_reads() -> None:
    """As Starlette's routes, whose ``path`` and ``path_format`` OpenTelemetry and Sentry read."""
    rule = Rule("/users/<int:id>")

    assert (rule.path, rule.path_format) == ("/users/<int:id>", "/users/<int:id>")


def test_a_rule_of_a_factory_has_its_whole_path() -> None:
    (rule,) = Map([Submount("/x", [Rule("/<a>", endpoint="e")])]).iter_rules()

    assert rule.path_format == "/x/<a>"  # type: ignore[attr-defined]  # it is ours


def test_a_subclass_may_have_a_path_of_its_own() -> None:
    class Own(Rule):
        def __init__(self, string: str) -> None:
            super().__init__(string)
            self.path = string.upper()

    assert Own("/a").path == "/A"


def test_a_websocket_rule_stays_one_in_a_factory() -> None:
    url_map = Map(
        [Submount("/x", [Rule("/ws", endpoint="e", websocket=True, merge_slashes=False)])]
    )
    (rule,) = url_map.iter_rules()

    assert (rule.rule, rule.websocket, rule.merge_slashes) == ("/x/ws", True, False)


@pytest.mark.parametrize("name", ["to_python", "to_url"])
def test_a_converter_that_would_have_to_be_awaited_is_refused(name):
    async def convert(self, value):
        return value

    app = Flask("shop")
    app.url_map.converters["user"] = type("UserConverter", (BaseConverter,), {name: convert})

    with pytest.raises(TypeError, match=rf"UserConverter, whose {name}\(\) is `async def`"):
        app.add_url_rule("/<user:who>", "user")
