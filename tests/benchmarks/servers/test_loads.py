"""The client counts responses, and detects wrong ones."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from benchmarks.client import WrongAnswer
from benchmarks.servers import loads
from benchmarks.workloads import MESSAGE, WORKLOADS

PLAINTEXT = WORKLOADS["plaintext"]
REQUEST = loads.request_of(PLAINTEXT)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\n"
RIGHT = HEAD + b"Hello, World!"
WRONG = HEAD + b"Hello, Wurst!"


def whole(data):
    return [RIGHT] * (len(data) // len(REQUEST))


def in_pieces(data):
    return [RIGHT[:5], RIGHT[5 : len(HEAD)], RIGHT[len(HEAD) :]] * (len(data) // len(REQUEST))


def after(count, then):
    """Answer so many requests correctly, and then with ``then``."""
    left = count

    def answer(data):
        nonlocal left
        left -= 1
        return [RIGHT] if left >= 0 else then

    return answer


def load(address, count=2, in_flight=1, seconds=0.05):
    with ExitStack() as stack:
        opened = [stack.enter_context(loads.connect(address)) for _ in range(count)]
        expected, *_ = [loads.check(each, PLAINTEXT) for each in opened]
        return loads.load(opened, REQUEST, expected, seconds, in_flight)


def test_the_request_is_the_workloads():
    assert REQUEST.startswith(b"GET / HTTP/1.1\r\nhost: 127.0.0.1:8000\r\n")
    assert REQUEST.endswith(b"connection: keep-alive\r\n\r\n")
    assert b"GET /?q=flask+async&page=3 HTTP/1.1" in loads.request_of(WORKLOADS["inputs"])


@pytest.mark.parametrize("answer", [whole, in_pieces])
@pytest.mark.parametrize("in_flight", [1, 4])
def test_each_request_is_counted_once_however_its_answer_comes(listening, answer, in_flight):
    asked = []  # Each connection has a thread of its own.

    def counting(data):
        asked.append(len(data))
        return answer(data)

    counted = load(listening(counting), in_flight=in_flight)

    assert counted.answers == sum(asked) // len(REQUEST) - 2  # two were sent before the measurement
    assert counted.answers > 10
    assert counted.client > 0


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ([WRONG], "The body is b'Hello, Wurst!'"),
        ([RIGHT.replace(b"200", b"500")], "The status is 500"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"], "RemoteProtocolError"),
        (None, "ProtocolError"),
    ],
)
def test_a_wrong_first_answer_is_named(listening, answer, fault):
    with (
        loads.connect(listening(lambda data: answer)) as connection,
        pytest.raises(WrongAnswer, match=fault),
    ):
        loads.check(connection, PLAINTEXT)


@pytest.mark.parametrize(
    "wrong", [WRONG, RIGHT.replace(b"200", b"500"), RIGHT.replace(b"!", b"!!"), b"x" * len(RIGHT)]
)
def test_a_wrong_answer_while_it_is_timed_is_noticed(listening, wrong):
    with pytest.raises(WrongAnswer, match="While it was timed, a server answered"):
        load(listening(after(5, [wrong, RIGHT])), count=1)


def test_a_connection_that_is_closed_while_it_is_timed_is_noticed(listening):
    with pytest.raises(WrongAnswer, match="closed a connection"):
        load(listening(after(5, None)), count=1)


def test_a_server_that_falls_silent_is_noticed(listening, monkeypatch):
    monkeypatch.setattr(loads, "STALL", 0.05)

    with pytest.raises(WrongAnswer, match="No answer came"):
        load(listening(after(5, [])), count=1, seconds=5)


def test_the_frames_are_what_wsproto_takes_and_makes():
    server = Connection(ConnectionType.SERVER)
    server.receive_data(loads.frame(MESSAGE, masked=True))

    assert [event.data for event in server.events()] == [MESSAGE]
    assert server.send(TextMessage(data=MESSAGE)) == loads.frame(MESSAGE, masked=False)


def test_an_echo_is_compared(listening):
    frame = loads.frame(MESSAGE.upper(), masked=False)

    with (
        loads.connect(listening(lambda data: [frame])) as connection,
        pytest.raises(WrongAnswer, match="The echo is"),
    ):
        loads.check_echo(connection)


@pytest.mark.parametrize("answer", [[RIGHT], [b"HTTP/1.1 101 Yes\r\n\r\n"], None])
def test_a_websocket_that_is_not_opened_is_noticed(listening, answer):
    """Also one that does not prove that it has read the key. (RFC 6455 §4.1.)"""
    ended = None if answer is None else [*answer, b"\r\n\r\n"]

    with (
        loads.connect(listening(lambda data: ended)) as connection,
        pytest.raises(WrongAnswer, match="A websocket was answered with"),
    ):
        loads.upgrade(connection)
