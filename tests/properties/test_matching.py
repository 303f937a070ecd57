"""`Map.find` and Werkzeug's matcher give the same answers on generated maps and paths."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import werkzeug.routing
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import BaseConverter, ValidationError
from werkzeug.routing.exceptions import WebsocketMismatch

from asyncflask.routing import Map, Rule


class ListConverter(BaseConverter):
    """`a+b` as a list."""

    def to_python(self, value: str) -> list[str]:
        return value.split("+")


class ShortConverter(BaseConverter):
    """Refuses after its pattern has matched."""

    def to_python(self, value: str) -> str:
        if len(value) > 1:
            raise ValidationError
        return value


class MaybeConverter(BaseConverter):
    """Matches the empty segment, too."""

    regex = "[a-z]*"


class DeepConverter(BaseConverter):
    """Matches over slashes, as `path` does."""

    regex = "[a-z]+(?:/[a-z]+)*"
    weight = 150


class GroupsConverter(BaseConverter):
    """Has groups of its own and an alternative at the top of its pattern."""

    regex = "(?P<own>a)(b)?|1"


class BrokenConverter(BaseConverter):
    """Python cannot compile its pattern."""

    regex = "(a"


CONVERTERS = {
    "list": ListConverter,
    "short": ShortConverter,
    "maybe": MaybeConverter,
    "deep": DeepConverter,
    "groups": GroupsConverter,
}

UUID = "12345678-1234-5678-1234-567812345678"

#: How a segment of a rule may look, and texts for it; {} is a variable's name.
SEGMENTS = {
    "a": ["a"],
    "b": ["b", "a"],
    "a.b": ["a.b", "axb"],
    "é ü": ["é ü", "é"],
    "": [""],
    "<{}>": ["a", "b", "1", "\n", "x y", "%2f", "\x00", "a\n"],
    "<int:{}>": ["1", "007", "١٢", "²", "-1", "1" * 4400, "1\n"],
    "<int(fixed_digits=2):{}>": ["12", "1", "123"],
    "<int(min=2, max=9, signed=True):{}>": ["1", "5", "-5", "10"],
    "<float:{}>": ["1.5", "1", ".5", "1.5.5"],
    "<float(signed=True, max=2.0):{}>": ["-1.5", "2.5"],
    "<any(a, b, 'c.d'):{}>": ["a", "c.d", "cxd", "ab"],
    "<uuid:{}>": [UUID, UUID.upper().replace("1", "A"), UUID[:-1]],
    "<string(length=2):{}>": ["ab", "a", "abc"],
    "<string(minlength=2, maxlength=3):{}>": ["ab", "abcd"],
    "<path:{}>": ["a", "a/b", "a/1/b", "a/", "\na", "a\nb", "x/./.."],
    "<list:{}>": ["a+b", "a"],
    "<short:{}>": ["a", "ab", "1"],
    "<maybe:{}>": ["", "a", "1"],
    "<deep:{}>": ["a", "a/b", "a/b/", "1/b"],
    "<groups:{}>": ["a", "ab", "1", "b"],
    "f-<int:{}>.t": ["f-1.t", "f-.t", "f-1xt"],
    "(<{}>)": ["(a)", "a)"],
    "<{}>-<{}>": ["a-b", "-", "a-b-c"],
    "<path:{}>.t": ["a.t", "a/b.t", "a/b"],
}

TEXTS = sorted({text for texts in SEGMENTS.values() for text in texts})
DOMAINS = ["", "", "", "", "api", "a.api", "<{}>", "<any(x, y):{}>.api"]

methods = st.sampled_from([None, None, ["GET"], ["POST"], ["GET", "PUT"], []])
plain_options = st.fixed_dictionaries(
    {"endpoint": st.sampled_from("ef"), "methods": methods},
    optional={
        "strict_slashes": st.booleans(),
        "merge_slashes": st.booleans(),
        "build_only": st.sampled_from([False, False, True]),
    },
)
odd_options = st.fixed_dictionaries(
    {},
    optional={
        "defaults": st.sampled_from([{}, {"x": 1}, {"x": 1}, {"x": "a"}, {"y": 2, "q": 3}]),
        "alias": st.sampled_from([False, False, True]),
        "redirect_to": st.sampled_from([None, None, "elsewhere"]),
    },
)


def named(shape: str, names: str) -> str:
    """Put names for variables into a rule's shape, the last one for all that are left."""
    for name in names:
        shape = shape.replace("{}", name, 1)
    return shape.replace("{}", names[-1])


@st.composite
def rules(draw: st.DrawFn, odd: bool, parts: list[str]) -> werkzeug.routing.Rule:
    options: dict[str, Any] = draw(plain_options)
    if options["methods"] in (None, ["GET"]):
        options["websocket"] = draw(st.booleans())
    if odd:
        options |= draw(odd_options)
        options["subdomain"] = named(draw(st.sampled_from(DOMAINS)), "d")
    string = named(
        "/" + "/".join(parts), draw(st.sampled_from(["xyzuvw", "xyzuvw", "yxzuvw", "xxyyzz"]))
    )
    kind = draw(st.sampled_from([Rule, Rule, werkzeug.routing.Rule]))
    return kind(string, **options)


@st.composite
def shapes(draw: st.DrawFn) -> list[list[str]]:
    """Draw the rules' segments, of few kinds, so that the rules get in each other's way."""
    kinds = ["a", *draw(st.lists(st.sampled_from(sorted(SEGMENTS)), min_size=1, max_size=4))]
    parts = st.lists(st.sampled_from(kinds), max_size=3)
    slashed = st.sampled_from([[], [], [""]])
    return draw(st.lists(st.builds(list.__add__, parts, slashed), min_size=1, max_size=7))


@st.composite
def paths(draw: st.DrawFn, known: list[list[str]]) -> str:
    """Draw a path that has a fair chance to match one of the rules, or to miss it narrowly."""
    parts = [draw(st.sampled_from(SEGMENTS[shape])) for shape in draw(st.sampled_from(known))]
    match draw(st.integers(0, 9)):
        case 0 | 1:
            parts.append("")
        case 2 | 3:
            parts = parts[:-1]
        case 4:
            parts.insert(draw(st.integers(0, len(parts))), draw(st.sampled_from(TEXTS)))
        case 5 if parts:
            parts[draw(st.integers(0, len(parts) - 1))] = draw(st.sampled_from(TEXTS))
    front = draw(st.sampled_from(["/"] * 10 + ["", "//"]))
    return front + "/".join(parts)


@st.composite
def questions(draw: st.DrawFn, odd: bool) -> tuple[Map, list[str]]:
    """Draw a map and paths to look for in it."""
    known = draw(shapes())
    url_map = Map(
        strict_slashes=draw(st.booleans()),
        merge_slashes=draw(st.booleans()),
        redirect_defaults=draw(st.booleans()),
        converters=CONVERTERS | {"broken": BrokenConverter},
    )
    for parts in known:
        for _ in range(draw(st.integers(1, 2))):
            rule = draw(rules(odd, parts))
            # A default that its converter refuses, or a variable named twice, is refused here.
            with suppress(ValueError, SyntaxError):
                url_map.add(rule)
    if odd and draw(st.integers(0, 9)) == 0:
        url_map.add(Rule("/a/<broken:x>", endpoint="broken"))
    return url_map, draw(st.lists(paths(known), min_size=3, max_size=10))


def ask_werkzeug(url_map: Map, path: str, method: str, websocket: bool) -> Any:
    adapter = url_map.bind("localhost")
    try:
        return adapter.match(path, method, return_rule=True, websocket=websocket)
    except (NotFound, MethodNotAllowed, WebsocketMismatch) as refusal:
        return refusal
    except Exception:
        # A redirect, or what Werkzeug makes of a map that cannot work.
        return None


def told(answer: Any) -> Any:
    """Return what makes two answers the same answer."""
    if isinstance(answer, tuple):
        rule, view_args = answer
        return id(rule), list(view_args.items()), list(map(type, view_args.values()))
    return type(answer), sorted(getattr(answer, "valid_methods", ()))


def lookups(paths: list[str]) -> Iterator[tuple[str, str, bool]]:
    for path in paths:
        yield path, "GET", False
        yield path, "GET", True
        yield path, "POST", False
        yield path, "HEAD", False


@settings(max_examples=300, deadline=None)
@given(questions(odd=True))
def test_an_answer_is_werkzeugs_answer(question: tuple[Map, list[str]]) -> None:
    url_map, paths = question
    for lookup in lookups(paths):
        answer = url_map.find(*lookup)

        if answer is not None:
            assert told(answer) == told(ask_werkzeug(url_map, *lookup)), lookup


@settings(max_examples=300, deadline=None)
@given(questions(odd=False))
def test_werkzeug_is_asked_only_for_redirects_and_odd_slashes(
    question: tuple[Map, list[str]],
) -> None:
    url_map, paths = question
    for lookup in lookups(paths):
        answer = url_map.find(*lookup)

        if answer is None:
            path = lookup[0]
            redirects = ask_werkzeug(url_map, *lookup) is None
            assert redirects or "//" in path or not path.startswith("/"), lookup


@settings(max_examples=100, deadline=None)
@given(questions(odd=True), st.text(max_size=50))
def test_no_path_raises_anything(question: tuple[Map, list[str]], path: str) -> None:
    url_map, _ = question
    for lookup in lookups([path, f"/{path}", f"/a/{path}"]):
        answer = url_map.find(*lookup)

        assert answer is None or isinstance(answer, tuple | HTTPException)
