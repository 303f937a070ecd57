"""The trie, where it is easily wrong: order, slashes, and paths that nobody sends in good faith."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import BaseConverter, RequestRedirect, ValidationError

from asyncflask.routing import Map, Rule


def endpoint(url_map: Map, path: str, method: str = "GET") -> Any:
    """Return the endpoint that `find` leads to when asked again, or its other answer's class."""
    url_map.find(path, method, False)
    answer = url_map.find(path, method, False)
    return answer[0].endpoint if isinstance(answer, tuple) else type(answer)


def routes(*rules: str, **options: Any) -> Map:
    """Return a map of rules that are their own endpoints."""
    return Map([Rule(rule, endpoint=rule) for rule in rules], **options)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/me", "/me"),
        ("/7", "/<int:x>"),
        ("/you", "/<x>"),
        ("/you/and/me", "/<path:x>"),
        ("/7/edit", "/<path:x>/edit"),  # not the one with `int`: static text at the end counts more
        ("/you/edit", "/<path:x>/edit"),
        ("/7/delete", "/<path:x>"),
    ],
)
def test_the_most_specific_rule_wins_whatever_the_order(path: str, expected: str) -> None:
    rules = ["/<path:x>", "/<path:x>/edit", "/<x>", "/<int:x>", "/<int:x>/edit", "/me"]

    assert endpoint(routes(*rules), path) == expected
    assert endpoint(routes(*reversed(rules)), path) == expected


def test_a_dead_end_leads_back_to_the_next_choice() -> None:
    url_map = routes("/a/b/c", "/a/<x>/d", "/<x>/b/e")

    assert [endpoint(url_map, f"/a/b/{last}") for last in "cdef"] == [
        "/a/b/c",
        "/a/<x>/d",
        "/<x>/b/e",
        NotFound,
    ]


def test_a_variable_leads_back_to_the_next_one() -> None:
    url_map = routes("/<int:x>/a", "/<x>/b")

    assert endpoint(url_map, "/7/b") == "/<x>/b"


def test_a_segment_may_be_converted_in_part() -> None:
    url_map = routes("/file-<int:x>.txt", "/<x>-<int:y>")

    assert url_map.find("/file-7.txt", "GET", False)[1] == {"x": 7}  # type: ignore[index]
    assert url_map.find("/a-b-7", "GET", False)[1] == {"x": "a-b", "y": 7}  # type: ignore[index]
    assert endpoint(url_map, "/file-7_txt") is NotFound


def test_text_that_looks_like_the_end_of_a_pattern_is_text() -> None:
    url_map = routes("/<x>)")

    assert endpoint(url_map, "/a)") == "/<x>)"
    assert endpoint(url_map, "/a") is NotFound


def test_a_loose_slash_is_taken_when_the_slashed_rule_refuses_the_method() -> None:
    loose = Rule("/a", endpoint="loose", methods=["GET"], strict_slashes=False)
    url_map = Map([Rule("/a/", endpoint="slashed", methods=["POST"]), loose])

    assert endpoint(url_map, "/a/") == "loose"


@pytest.mark.parametrize("rule", ["/a", "/a/", "/<x>", "/<x>/", "/<path:x>", "/<path:x>/"])
def test_loose_slashes_match_with_and_without(rule: str) -> None:
    url_map = routes(rule, strict_slashes=False)

    assert endpoint(url_map, "/a") == rule
    assert endpoint(url_map, "/a/") == rule


def test_doubled_slashes_may_be_merged_into_a_match() -> None:
    assert endpoint(routes("/a/", "/a/c"), "/a//c") is type(None)


def test_doubled_slashes_of_a_rule_match_when_not_merged() -> None:
    url_map = routes("/a//b", merge_slashes=False)

    assert endpoint(url_map, "/a//b") == "/a//b"


@pytest.mark.parametrize("rule", ["//a", "//<x>", "/<maybe:x>/a"])
def test_doubled_slashes_in_front_are_left_to_werkzeug(rule: str) -> None:
    url_map = routes(rule, merge_slashes=False, converters={"maybe": Maybe})

    assert endpoint(url_map, "//a") is type(None)


@pytest.mark.parametrize("path", ["", "*", "?a=b", "users", "users/ada", "x/users/ada"])
def test_a_path_without_a_slash_in_front_is_left_to_werkzeug(path: str) -> None:
    url_map = routes("/", "/users/", "/users/<name>", "/<a>/<b>")

    assert endpoint(url_map, path) is type(None)


@pytest.mark.parametrize("rule", ["/<x>", "/a/<x>", "/a/b/<x>", "/a/b/c/<x>", "/a/b/c/<x>/<int:y>"])
def test_a_constant_part_of_any_length_leads_to_what_follows(rule: str) -> None:
    url_map = routes(rule, "/a/b/c/d/<x>", "/a/b/x")
    path = rule.replace("<x>", "1").replace("<int:y>", "2")

    assert endpoint(url_map, path) == rule
    assert endpoint(url_map, f"{path}/3") is NotFound


@pytest.mark.parametrize("rule", ["/a", "/a/<x>"])
def test_what_is_as_good_as_true_makes_a_rule_one_for_websockets(rule: str) -> None:
    url_map = Map([Rule(rule, endpoint=rule, websocket=1)])  # type: ignore[arg-type]  # that is it

    answer = url_map.find(rule.replace("<x>", "1"), "GET", True)

    assert isinstance(answer, tuple)
    assert answer[0].endpoint == rule


class Maybe(BaseConverter):
    """Takes the empty segment, too."""

    regex = "[a-z]*"


class Refuse(BaseConverter):
    """Refuses what its pattern has matched."""

    def to_python(self, value: str) -> str:
        raise ValidationError


class Fail(BaseConverter):
    """Fails in a way that is not a refusal."""

    def to_python(self, value: str) -> str:
        raise ValueError("A bug in the app.")


class Counting(BaseConverter):
    """Counts its conversions."""

    calls = 0

    def to_python(self, value: str) -> str:
        Counting.calls += 1
        raise ValidationError


class Broken(BaseConverter):
    """Has a pattern that Python cannot compile."""

    regex = "(a"


def test_a_refusal_by_a_converter_ends_the_search() -> None:
    """Werkzeug tries no other rule then."""
    url_map = routes("/<refuse:x>", "/<path:x>", converters={"refuse": Refuse})

    assert endpoint(url_map, "/a") is NotFound


def test_a_converter_that_refuses_is_asked_once() -> None:
    Counting.calls = 0
    routes("/<count:x>", converters={"count": Counting}).find("/a", "GET", False)

    assert Counting.calls == 1


def test_an_error_in_a_converter_is_not_taken_for_a_refusal() -> None:
    url_map = routes("/<fail:x>", converters={"fail": Fail})

    with pytest.raises(ValueError, match="A bug in the app"):
        endpoint(url_map, "/a")


def test_werkzeug_is_asked_about_a_pattern_that_cannot_be_compiled() -> None:
    url_map = routes("/a/b", "/a/<broken:x>", converters={"broken": Broken})

    assert endpoint(url_map, "/a/b") == "/a/b"
    assert endpoint(url_map, "/a/c") is type(None)


@pytest.mark.parametrize("digit", ["7", "٧", "７"])
def test_int_takes_the_digits_that_werkzeug_takes(digit: str) -> None:
    answer = routes("/<int:x>").find(f"/{digit}", "GET", False)

    assert isinstance(answer, tuple)
    assert answer[1] == {"x": 7}


@pytest.mark.parametrize("text", ["²", "-7", "7\n", "", " 7", "1_0", "1" * 5000])
def test_int_refuses_what_werkzeug_refuses(text: str) -> None:
    """Thousands of digits, which `int` itself refuses with a ValueError, are a 404."""
    assert endpoint(routes("/<int:x>"), f"/{text}") is NotFound


@pytest.mark.parametrize(
    "path",
    [
        "/" + "a" * 100_000,
        "/a" * 50_000,
        "/" * 50_000,
        "/a/" + "/" * 50_000 + "b",
        "/\x00\x01\x7f",
        "/a\nb/\r\nLocation: x",
        "/\ud800",
        "/../../etc/passwd",
        "*",
    ],
    ids=lambda path: repr(path[:12]),
)
def test_malformed_paths_are_answered(path: str) -> None:
    """Over-long and malformed paths give 404 or a redirect, never another error."""
    url_map = routes("/a/<int:x>", "/<x>/b/<float:y>", "/p/<path:x>/c", "/<x>-<y>/", "/s/")
    answer = url_map.find(path, "GET", False)

    if answer is None:
        with pytest.raises(HTTPException):
            url_map.bind("localhost").match(path, "GET")
    else:
        assert isinstance(answer, NotFound)


@pytest.mark.parametrize("path", ["//evil.test", "///evil.test", "//evil.test//", "/\\evil.test"])
def test_redirects_stay_on_the_host(path: str) -> None:
    """CVE-2020-28724, CVE-2021-21330, CVE-2023-28370: no Location starts with `//`."""
    url_map = routes("/<x>/")
    assert url_map.find(path, "GET", False) is None

    with pytest.raises(RequestRedirect, match="308") as caught:
        url_map.bind("good.test").match(path, "GET")

    assert caught.value.new_url.startswith("http://good.test/")


@pytest.mark.parametrize("options", [{}, {"strict_slashes": False, "merge_slashes": False}])
def test_a_rule_of_two_slashes_is_found_at_the_root(options: dict[str, bool]) -> None:
    url_map = routes("/a", "//", **options)

    assert endpoint(url_map, "/") == "//"
    assert url_map.bind("localhost").match("/")[0] == "//"


def test_werkzeug_redirects_the_root_to_a_rule_of_two_slashes() -> None:
    url_map = routes("/a", "//", merge_slashes=False)

    assert url_map.find("/", "GET", False) is None
    with pytest.raises(RequestRedirect, match="308"):
        url_map.bind("localhost").match("/")
