"""The map: what `find` promises its caller, and that no change of the rules is missed."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import werkzeug.routing
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import BaseConverter, EndpointPrefix, Subdomain, Submount
from werkzeug.routing.exceptions import WebsocketMismatch

from asyncflask.routing import Map, Rule, asks_werkzeug


def find(url_map: Map, path: str, method: str = "GET", *, websocket: bool = False) -> Any:
    """Return what `find` answers when asked again, with the rule's endpoint for the rule."""
    url_map.find(path, method, websocket)
    answer = url_map.find(path, method, websocket)
    return (answer[0].endpoint, answer[1]) if isinstance(answer, tuple) else answer


def test_a_match_is_the_rule_and_its_view_arguments() -> None:
    rule = Rule("/a/<int:x>/b/<y>", endpoint="e")

    assert Map([rule]).find("/a/12/b/z", "GET", False) == (rule, {"x": 12, "y": "z"})


@pytest.mark.parametrize("path", ["/", "/7", "/d"])
def test_view_arguments_are_never_shared(path: str) -> None:
    rules = [Rule("/", endpoint="e"), Rule("/<int:x>", endpoint="e")]
    url_map = Map([*rules, Rule("/d", defaults={"q": 1}, endpoint="d")])
    _, first = find(url_map, path)
    first["dirty"] = True

    assert "dirty" not in find(url_map, path)[1]


def test_a_missing_path_is_a_new_not_found_each_time() -> None:
    url_map = Map([Rule("/", endpoint="e")])

    assert isinstance(find(url_map, "/x"), NotFound)
    assert find(url_map, "/x") is not find(url_map, "/x")


def test_a_wrong_method_tells_the_methods_of_all_rules_for_the_path() -> None:
    url_map = Map(
        [
            Rule("/a", endpoint="e", methods=["GET"]),
            Rule("/a", endpoint="f", methods=["PUT"]),
            Rule("/<x>", endpoint="g", methods=["DELETE"]),
        ]
    )
    answer = find(url_map, "/a", "POST")

    assert isinstance(answer, MethodNotAllowed)
    assert answer.valid_methods == ["DELETE", "GET", "HEAD", "PUT"]


def test_rules_for_one_path_are_told_apart_by_method() -> None:
    rules = [Rule("/a", endpoint=verb, methods=[verb]) for verb in ("GET", "POST")]
    url_map = Map([*rules, Rule("/a", endpoint="rest")])

    assert [find(url_map, "/a", verb)[0] for verb in ("GET", "HEAD", "POST", "OPTIONS")] == [
        "GET",
        "GET",
        "POST",
        "rest",
    ]


def test_http_and_websocket_rules_share_a_path() -> None:
    url_map = Map([Rule("/a", endpoint="http"), Rule("/a", endpoint="ws", websocket=True)])

    assert find(url_map, "/a") == ("http", {})
    assert find(url_map, "/a", websocket=True) == ("ws", {})


def test_the_other_protocol_only_is_a_mismatch() -> None:
    url_map = Map([Rule("/a", endpoint="ws", websocket=True)])

    assert isinstance(find(url_map, "/a"), WebsocketMismatch)


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("/a", {}),  # a slash is missing
        ("/a//", {}),  # a slash is too much
        ("//a/", {}),
        ("a/", {}),  # Werkzeug puts a slash in front
        ("", {}),
        ("/a/", {"redirect_to": "elsewhere"}),
        ("/a/", {"alias": True}),
    ],
)
def test_werkzeug_is_asked_for_redirects(path: str, options: dict[str, Any]) -> None:
    url_map = Map([Rule("/a/", endpoint="e", **options), Rule("/b", endpoint="e")])

    assert find(url_map, path) is None


def test_werkzeug_is_asked_where_defaults_may_redirect() -> None:
    shown = Rule("/all/", defaults={"page": 1}, endpoint="all")
    static = Rule("/old/", defaults={"page": 2}, endpoint="all")
    url_map = Map([shown, static, Rule("/all/<int:page>", endpoint="all")])

    assert find(url_map, "/all/1") is None
    assert find(url_map, "/old/") is None


def test_defaults_become_view_arguments() -> None:
    url_map = Map([Rule("/a", defaults={"x": 1}, endpoint="e")])

    assert find(url_map, "/a") == ("e", {"x": 1})


def test_a_method_in_lower_case_is_left_to_werkzeug() -> None:
    url_map = Map([Rule("/a", endpoint="e", methods=["GET"])])

    assert find(url_map, "/a", "get") is None


def test_rules_that_only_build_match_nothing() -> None:
    url_map = Map([Rule("/a", endpoint="e", build_only=True)])

    assert isinstance(find(url_map, "/a"), NotFound)


def test_rule_factories_are_followed() -> None:
    rules = Submount("/x", [EndpointPrefix("p.", [Rule("/<int:y>", endpoint="e")])])

    assert find(Map([rules]), "/x/3") == ("p.e", {"y": 3})


def test_plain_werkzeug_rules_are_understood() -> None:
    url_map = Map([werkzeug.routing.Rule("/x/<int:y>", endpoint="e")])

    assert find(url_map, "/x/3") == ("e", {"y": 3})


# Changes after matching has begun


def test_a_rule_added_late_is_found() -> None:
    url_map = Map([Rule("/<x>", endpoint="e")])
    find(url_map, "/a")
    url_map.add(Rule("/a", endpoint="late"))

    assert find(url_map, "/a") == ("late", {})


class Shout(BaseConverter):
    """A text in capitals."""

    def to_python(self, value: str) -> str:
        return value.upper()


def test_a_converter_added_late_is_used_by_later_rules() -> None:
    url_map = Map([Rule("/a", endpoint="e")])
    find(url_map, "/a")
    url_map.converters["shout"] = Shout
    url_map.add(Rule("/<shout:x>", endpoint="late"))

    assert find(url_map, "/b") == ("late", {"x": "B"})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("methods", {"POST"}, MethodNotAllowed),
        ("websocket", True, WebsocketMismatch),
        ("redirect_to", "elsewhere", type(None)),
        ("alias", True, type(None)),
    ],
)
@pytest.mark.parametrize("path", ["/a", "/a/1"])
def test_a_rule_changed_late_is_obeyed(path: str, name: str, value: Any, expected: type) -> None:
    rules = [Rule("/a", endpoint="e"), Rule("/a/<x>", endpoint="f")]
    url_map = Map(rules)
    find(url_map, path)
    for rule in rules:
        setattr(rule, name, value)

    assert isinstance(find(url_map, path), expected)


def test_methods_added_to_a_rule_late_are_obeyed() -> None:
    rule = Rule("/a", endpoint="e", methods=["GET"])
    url_map = Map([rule])
    find(url_map, "/a")
    assert rule.methods is not None
    rule.methods.add("PURGE")

    assert find(url_map, "/a", "PURGE") == ("e", {})


def test_slashes_made_loose_late_are_obeyed() -> None:
    rule = Rule("/a/", endpoint="e")
    url_map = Map([rule])
    find(url_map, "/a")
    rule.strict_slashes = False

    assert find(url_map, "/a") == ("e", {})


def test_a_rule_that_fails_to_bind_leaves_the_map_usable() -> None:
    url_map = Map([Rule("/a", endpoint="e")])
    with pytest.raises(LookupError, match="'nope' does not exist"):
        url_map.add(Rule("/<nope:x>", endpoint="f"))

    assert find(url_map, "/a") == ("e", {})


def test_threads_may_use_a_rule_for_the_first_time_together() -> None:
    """What leads on from a place is made at the first visit."""
    url_map = Map([Rule(f"/{a}/<x>/{b}/<int:y>", endpoint=a + b) for a in "abcdefgh" for b in "xy"])
    failures: list[object] = []
    start = threading.Barrier(4)

    def match() -> None:
        start.wait()
        for a in "abcdefgh":
            answer = find(url_map, f"/{a}/text/y/7")
            if answer != (a + "y", {"x": "text", "y": 7}):
                failures.append(answer)

    threads = [threading.Thread(target=match) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []


def test_threads_may_match_while_rules_are_added() -> None:
    url_map = Map([Rule("/<x>", endpoint="e")])
    failures: list[object] = []
    done = threading.Event()

    def match() -> None:
        while not done.is_set():
            answer = find(url_map, "/r")
            if answer != ("e", {"x": "r"}):
                failures.append(answer)

    threads = [threading.Thread(target=match) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(50):
        url_map.add(Rule(f"/r/{number}/<x>", endpoint="f"))
        if find(url_map, f"/r/{number}/y") != ("f", {"x": "y"}):
            failures.append(number)
    done.set()
    for thread in threads:
        thread.join()

    assert failures == []


# Domains


@pytest.mark.parametrize(
    "url_map",
    [
        Map([Rule("/", endpoint="e"), Rule("/", endpoint="f", subdomain="api")]),
        Map([Rule("/", endpoint="e"), Rule("/<x>", endpoint="f", subdomain="<user>")]),
        Map([Rule("/", endpoint="e")], default_subdomain="www"),
        Map([Rule("/", endpoint="e", host="one.test")], host_matching=True),
    ],
    ids=["subdomain", "variable subdomain", "default subdomain", "host"],
)
def test_werkzeug_is_asked_where_a_rule_has_a_domain(url_map: Map) -> None:
    assert [find(url_map, path) for path in ("/", "/a", "/a/b")] == [None] * 3


def test_whether_werkzeug_is_asked_follows_the_rules() -> None:
    url_map = Map([Rule("/", endpoint="e")])
    before = find(url_map, "/")
    url_map.add(Subdomain("api", [Rule("/", endpoint="f")]))

    assert before == ("e", {})
    assert find(url_map, "/") is None


def test_a_map_without_rules_finds_nothing() -> None:
    assert isinstance(find(Map(), "/a"), NotFound)


@pytest.mark.parametrize("name", ["bind", "bind_to_environ", "update"])
def test_a_map_that_matches_in_its_own_way_asks_werkzeug(name):
    own = type("Own", (Map,), {name: lambda self, *args, **kwargs: None})
    assigned = Map()
    setattr(assigned, name, lambda *args, **kwargs: None)

    assert [asks_werkzeug(value) for value in (own(), assigned, werkzeug.routing.Map())] == [
        *[True] * 3
    ]
    assert [asks_werkzeug(value) for value in (Map(), type("Same", (Map,), {})(), None)] == [
        *[False] * 3
    ]
