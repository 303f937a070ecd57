"""ASGI states: every table leads to its end, and only messages that it allows are accepted."""

from __future__ import annotations

import pytest

from asyncflask.protocol.asgi_state import (
    EXTENSIONS,
    FIELDS,
    FLAGS,
    HTTP,
    SERVERS_OWN,
    TABLES,
    IllegalMessage,
    advance,
)

START = {"type": "http.response.start", "status": 200, "headers": []}
LAST = {"type": "http.response.body", "body": b""}
EVENTS = sorted({event for table in TABLES.values() for row in table.values() for event in row})
OFFERED = set(EXTENSIONS.values())
#: what a message has to have, and what it has here
FILLED = {"status": 200, "path": "/", "text": ""}


def message_of(event):
    """Return a message whose type and flag make ``event``."""
    name, _, rest = event.partition(" (")
    message = {"type": name, **FILLED}
    if name in FLAGS:
        field, _, when_true = FLAGS[name]
        message[field] = bool(rest) == bool(when_true)
    return message


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_state_of_a_table_can_be_reached_and_ends(table):
    reached, todo = set(), [next(iter(table))]
    while todo:
        state = todo.pop()
        if state not in reached:
            reached.add(state)
            todo += table[state].values()

    assert reached == set(table)
    assert table["COMPLETE"] == {}


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize(
    ("table", "state"), [(table, state) for table in TABLES.values() for state in table]
)
def test_the_tables_decide_what_may_be_sent(table, state, event):
    if event in table[state] and event not in SERVERS_OWN:
        assert advance(table, state, message_of(event), OFFERED) == table[state][event]
    else:
        with pytest.raises(IllegalMessage, match=f"in state {state}"):
            advance(table, state, message_of(event), OFFERED)


@pytest.mark.parametrize("names", [EXTENSIONS, SERVERS_OWN], ids=["EXTENSIONS", "SERVERS_OWN"])
def test_what_is_said_of_events_is_said_of_those_in_the_tables(names):
    assert set(names) <= set(EVENTS)


@pytest.mark.parametrize("names", [FIELDS, FLAGS], ids=["FIELDS", "FLAGS"])
def test_what_is_said_of_messages_is_said_of_those_in_the_tables(names):
    assert set(names) <= {event.partition(" (")[0] for event in EVENTS}


@pytest.mark.parametrize(("event", "extension"), EXTENSIONS.items())
def test_extensions_may_only_be_used_where_they_are_offered(event, extension):
    table, state = next(
        (table, state) for table in TABLES.values() for state in table if event in table[state]
    )

    with pytest.raises(IllegalMessage, match=f"does not offer '{extension}'"):
        advance(table, state, message_of(event), OFFERED - {extension})


def test_an_illegal_message_is_named_with_what_is_allowed():
    with pytest.raises(
        IllegalMessage,
        match=r"'http.response.body' was sent to the http connection in state WAITING\. Allowed"
        r" there: http.response.debug, http.response.early_hint, http.response.push,"
        r" http.response.start\.",
    ):
        advance(HTTP, "WAITING", LAST, ())


def test_after_the_end_nothing_is_allowed():
    with pytest.raises(IllegalMessage, match=r"Allowed there: nothing more\."):
        advance(HTTP, "COMPLETE", LAST, ())


def test_a_custom_table_may_be_used():
    with pytest.raises(IllegalMessage, match="'b' was sent to the ASGI connection in state A"):
        advance({"A": {"a": "A"}}, "A", {"type": "b"}, ())


@pytest.mark.parametrize("name", [None, 1, [], ""])
def test_a_message_without_a_proper_type_is_refused(name):
    with pytest.raises(IllegalMessage, match="was sent to the http connection"):
        advance(HTTP, "WAITING", {"type": name}, ())


def test_announced_trailers_are_due_after_the_body():
    """ASGI, "HTTP Trailers"."""
    state = advance(HTTP, "WAITING", {**START, "trailers": True}, OFFERED)
    state = advance(HTTP, state, LAST, OFFERED)
    more = {"type": "http.response.trailers", "headers": [], "more_trailers": True}
    state = advance(HTTP, state, more, OFFERED)

    assert state == "TRAILERS"
    assert advance(HTTP, state, {**more, "more_trailers": False}, OFFERED) == "COMPLETE"


def test_trailers_that_were_not_announced_are_refused():
    with pytest.raises(IllegalMessage, match="in state COMPLETE"):
        advance(HTTP, "COMPLETE", {"type": "http.response.trailers"}, OFFERED)


_ACCEPT = {"type": "websocket.accept"}
_SEND = {"type": "websocket.send"}
_CLOSE = {"type": "websocket.close"}
_TRAILERS = {"type": "http.response.trailers"}
_HINT = {"type": "http.response.early_hint"}
_PATHSEND = {"type": "http.response.pathsend"}


@pytest.mark.parametrize(
    ("kind", "state", "message", "complaint"),
    [
        ("http", "WAITING", {"type": "http.response.start"}, "status=None; it must be an int"),
        ("http", "WAITING", {**START, "status": "200"}, "status='200'; it must be an int"),
        ("http", "WAITING", {**START, "headers": [("a", "b")]}, "an iterable of pairs of bytes"),
        ("http", "WAITING", {**START, "headers": [b"a"]}, "an iterable of pairs of bytes"),
        ("http", "WAITING", {**START, "headers": [b"ab"]}, "an iterable of pairs of bytes"),
        ("http", "WAITING", {**START, "headers": [(b"a", None)]}, "an iterable of pairs of bytes"),
        ("http", "WAITING", {**START, "headers": 1}, "headers=1; it must be an iterable of pairs"),
        ("http", "WAITING", {**START, "headers": [(b"a", "b")]}, "an iterable of pairs of bytes"),
        ("http", "WAITING", {**START, "headers": {b"ab": b"c"}}, "an iterable of pairs of bytes"),
        ("http", "WAITING", {**_HINT, "links": [""]}, "an iterable of bytes"),
        ("http", "WAITING", {**_HINT, "links": 1}, "links=1; it must be an iterable of bytes"),
        ("http", "STARTED", {**LAST, "body": "text"}, "body='text'; it must be bytes"),
        ("http", "STARTED", {**_PATHSEND, "path": b"/"}, "path=b'/'; it must be a str"),
        ("http", "TRAILERS", {**_TRAILERS, "headers": [("a", "b")]}, "pairs of bytes"),
        ("websocket", "CONNECTING", {**_ACCEPT, "subprotocol": b"a"}, "a str or None"),
        ("websocket", "CONNECTING", {**_ACCEPT, "headers": [("a", "b")]}, "pairs of bytes"),
        ("websocket", "CONNECTING", {**_CLOSE, "code": "1000"}, "code='1000'; it must be an int"),
        ("websocket", "OPEN", {**_CLOSE, "reason": b""}, "reason=b''; it must be a str or None"),
        ("websocket", "OPEN", {**_SEND, "text": b""}, "text=b''; it must be a str or None"),
        ("websocket", "OPEN", {**_SEND, "bytes": ""}, "bytes=''; it must be bytes or None"),
        ("websocket", "OPEN", _SEND, "text=None; it must be a str where there are no bytes"),
    ],
)
def test_malformed_messages_are_refused(kind, state, message, complaint):
    with pytest.raises(IllegalMessage, match=complaint):
        advance(TABLES[kind], state, message, OFFERED)


@pytest.mark.parametrize("data", [None, b"a", bytearray(b"a"), memoryview(b"a")])
def test_bodies_are_any_bytes_or_none(data):
    assert advance(HTTP, "STARTED", {**LAST, "body": data}, ()) == "COMPLETE"


@pytest.mark.parametrize(
    "headers", [None, [], ((b"a", b"B"),), [[b"a", b"B"]], [(b"1", b"")]], ids=repr
)
def test_headers_are_pairs_of_any_kind(headers):
    assert advance(HTTP, "WAITING", {**START, "headers": headers}, ()) == "STARTED"


@pytest.mark.parametrize(
    "event",
    [
        "http.response.start",
        "http.response.trailers",
        "http.response.push",
        "websocket.accept",
        "websocket.http.response.start",
    ],
)
@pytest.mark.parametrize(
    "headers",
    [
        [(b"Content-Type", b"Text/HTML"), (b"x-a", b"B")],
        ((b"Content-Type", b"Text/HTML"), (b"X-A", b"B")),
        [[bytearray(b"Content-Type"), memoryview(b"Text/HTML")], [b"x-a", b"B"]],
        {b"Content-Type": b"Text/HTML", b"X-A": b"B"}.items(),
    ],
    ids=["list", "tuple", "other-bytes", "items"],
)
def test_names_with_capitals_are_made_lower_case(event, headers):
    """Django, prometheus_client and python-engineio send them."""
    table, state = next(
        (table, state) for table in TABLES.values() for state in table if event in table[state]
    )
    before = list(headers)
    message = {**message_of(event), "headers": headers}

    advance(table, state, message, OFFERED)

    assert message["headers"] == [(b"content-type", b"Text/HTML"), (b"x-a", b"B")]
    assert list(headers) == before


@pytest.mark.parametrize(
    ("name", "field", "content"),
    [
        ("http.response.start", "headers", [(b"a", b"b")]),
        ("http.response.early_hint", "links", [b"</a>; rel=preload"]),
    ],
)
def test_checked_headers_can_still_be_sent(name, field, content):
    """ASGI wants an iterable; checking it must not use it up."""
    message = {"type": name, "status": 200, field: (item for item in content)}

    advance(HTTP, "WAITING", message, OFFERED)

    assert message[field] == content
