"""Rules as functions match what the search of the trie matches, and leave the rest to it."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import BaseConverter, ValidationError

from asyncflask.routing import Map, Rule
from asyncflask.routing.nodes import MOST


def routes(*rules: str, **options: Any) -> Map:
    """Return a map of rules that are their own endpoints."""
    return Map([Rule(rule, endpoint=rule) for rule in rules], **options)


def answer(url_map: Map, path: str, method: str = "GET") -> Any:
    """Return endpoint and view arguments, or the refusal's class, or None: ask Werkzeug."""
    found = url_map.find(path, method, False)
    if isinstance(found, tuple):
        return found[0].endpoint, found[1]
    return None if found is None else type(found)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a/7", ("/a/<int:x>", {"x": 7})),
        ("/a/b", ("/a/<x>", {"x": "b"})),
        ("/a/b/c", ("/a/<x>/c", {"x": "b"})),
        ("/a/b/d", NotFound),
        ("/a/b/c/", NotFound),
        ("/a//c", None),
        ("/a/", NotFound),
        ("/a", NotFound),
        ("a/7", None),
    ],
)
def test_rules_below_a_path_are_tried_in_the_order_of_the_search(path: str, expected: Any) -> None:
    url_map = routes("/a/<x>", "/a/<int:x>", "/a/<x>/c")

    assert answer(url_map, path) == expected


@pytest.mark.parametrize("text", ["it's", '"', "\\", "{x}", "\\n", "%s", "ü", ") or (True"])
def test_text_in_a_rule_is_text(text: str) -> None:
    url_map = routes(f"/a/<x>/{text}/<y>")

    assert answer(url_map, f"/a/1/{text}/2")[1] == {"x": "1", "y": "2"}
    assert answer(url_map, "/a/1/other/2") is NotFound


def test_a_method_that_a_rule_lacks_leads_to_the_next() -> None:
    url_map = Map(
        [
            Rule("/a/<int:x>", endpoint="post", methods=["POST"]),
            Rule("/a/<y>", endpoint="get", methods=["GET"]),
        ]
    )

    assert answer(url_map, "/a/7") == ("get", {"y": "7"})
    assert answer(url_map, "/a/7", "POST") == ("post", {"x": 7})
    assert answer(url_map, "/a/7", "PUT") is MethodNotAllowed


def test_websockets_and_requests_have_rules_of_their_own() -> None:
    url_map = Map(
        [
            Rule("/a/<x>", endpoint="socket", websocket=True),
            Rule("/a/<y>", endpoint="view"),
        ]
    )

    assert answer(url_map, "/a/7") == ("view", {"y": "7"})
    assert url_map.find("/a/7", "GET", True)[1] == {"x": "7"}  # type: ignore[index]


@pytest.mark.parametrize("count", [MOST, MOST + 1])
def test_any_number_of_rules_of_one_length_is_matched(count: int) -> None:
    url_map = routes(*(f"/a/<x>/{number}" for number in range(count)))

    for number in range(count):
        assert answer(url_map, f"/a/b/{number}") == (f"/a/<x>/{number}", {"x": "b"})
    assert answer(url_map, f"/a/b/{count}") is NotFound


@pytest.mark.parametrize("rule", ["/a/<x>/", "/a/<path:x>", "/a/<x>.txt", "/a/<x>/b/"])
def test_a_rule_of_another_kind_leaves_its_neighbours_to_the_search(rule: str) -> None:
    url_map = routes(rule, "/a/<int:y>")

    assert answer(url_map, "/a/7") == ("/a/<int:y>", {"y": 7})


def test_a_rule_that_another_has_defaults_for_may_be_redirected() -> None:
    first = Rule("/a", endpoint="e", defaults={"x": 1})
    url_map = Map([first, Rule("/a/<int:x>", endpoint="e")], redirect_defaults=True)

    assert answer(url_map, "/a/1") is None


def test_a_slash_that_is_missing_is_not_overlooked() -> None:
    assert answer(routes("/a/<x>/", "/a/<path:y>"), "/a/b") is None


def test_a_rule_that_is_changed_later_is_obeyed_at_once() -> None:
    url_map = routes("/a/<x>", "/a/<y>/b")
    assert answer(url_map, "/a/1") == ("/a/<x>", {"x": "1"})
    rule = next(rule for rule in url_map.iter_rules() if rule.endpoint == "/a/<x>")

    rule.redirect_to = "/elsewhere"
    assert answer(url_map, "/a/1") is None
    rule.redirect_to = None
    rule.methods = {"POST"}
    assert answer(url_map, "/a/1") is MethodNotAllowed


def test_defaults_are_among_the_arguments() -> None:
    url_map = Map([Rule("/a/<x>", endpoint="e", defaults={"page": 1})])

    assert answer(url_map, "/a/b") == ("e", {"x": "b", "page": 1})


def test_a_number_that_int_refuses_to_read_is_not_found() -> None:
    """SECURITY: sys.set_int_max_str_digits."""
    assert answer(routes("/a/<int:x>"), f"/a/{'9' * 5000}") is NotFound


class Even(BaseConverter):
    regex = r"\d+"

    def to_python(self, value: str) -> int:
        if int(value) % 2:
            raise ValidationError
        if value == "0":
            raise ValueError("zero")
        return int(value)


def test_a_converter_may_refuse_or_fail() -> None:
    url_map = routes("/a/<even:x>", "/a/<y>", converters={"even": Even})

    assert answer(url_map, "/a/2") == ("/a/<even:x>", {"x": 2})
    assert answer(url_map, "/a/1") is NotFound  # Werkzeug tries no other rule then.
    with pytest.raises(ValueError, match="zero"):
        url_map.find("/a/0", "GET", False)


def test_a_converter_is_not_asked_for_a_request_that_is_not_its_rules() -> None:
    url_map = Map(
        [
            Rule("/a/<even:x>", endpoint="post", methods=["POST"]),
            Rule("/a/<y>", endpoint="get", methods=["GET"]),
        ],
        converters={"even": Even},
    )

    assert answer(url_map, "/a/1") == ("get", {"y": "1"})
    assert answer(url_map, "/a/0") == ("get", {"y": "0"})


def test_variables_in_front_are_not_forgotten() -> None:
    url_map = routes("/<x>/a/<y>", "/b/a/<y>/<z>")

    assert answer(url_map, "/b/a/1") == ("/<x>/a/<y>", {"x": "b", "y": "1"})
    assert answer(url_map, "/c/a/1") == ("/<x>/a/<y>", {"x": "c", "y": "1"})
    assert answer(url_map, "/b/a/1/2") == ("/b/a/<y>/<z>", {"y": "1", "z": "2"})
