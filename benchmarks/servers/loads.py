"""The client: connections over loopback that send a request after each response.

Each connection's first response is parsed and compared with the workload. Every later response must
have the same length, beginning and body; checking this takes a fraction of a microsecond, because
the client must not limit the result. Requests and frames are prepared bytes, and the loop is one
``epoll``.
"""

from __future__ import annotations

import base64
import hashlib
import os
import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

import h11

from ..client import WrongAnswer
from ..workloads import HEADERS, MESSAGE, Answer, Pair, Workload

Address = tuple[str, int]

STALL = 10.0  # seconds without a response after which a server counts as dead
_SIZE = 64 * 1024

_KEY = base64.b64encode(b"asyncflask bench")
_ACCEPT = base64.b64encode(hashlib.sha1(_KEY + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
_MASK = b"\x37\xfa\x21\x3d"


@dataclass(frozen=True)
class Expected:
    """The expected response: its length, beginning and end."""

    length: int
    begin: bytes
    end: bytes

    def count(self, data: bytes) -> int:
        """Return how many whole answers ``data`` begins with.

        Raises:
            WrongAnswer: One of them is another one.
        """
        whole = len(data) // self.length
        for start in range(0, whole * self.length, self.length):
            answer = data[start : start + self.length]
            if not (answer.startswith(self.begin) and answer.endswith(self.end)):
                raise WrongAnswer(f"While it was timed, a server answered {answer[:200]!r}.")
        return whole


# -- connections -----------------------------------------------------------------------------------


def connect(address: Address, source: str = "127.0.0.1") -> socket.socket:
    """Open a blocking connection.

    Args:
        address: The server's.
        source: The client's, of the loopback network; each has ports of its own.
    """
    opened = socket.socket()
    opened.settimeout(STALL)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    opened.bind((source, 0))
    opened.connect(address)
    return opened


def request_of(workload: Workload) -> bytes:
    """Return the bytes of a workload's request."""
    target = workload.path + ("?" + workload.query.decode() if workload.query else "")
    lines = [f"{workload.method} {target} HTTP/1.1".encode()]
    lines += [name + b": " + value for name, value in (*HEADERS, *workload.headers)]
    return b"\r\n".join([*lines, b"", b""]) + workload.body


def ask(connection: socket.socket, request: bytes) -> tuple[Answer, bytes]:
    """Send one request; return the parsed response and its bytes.

    Raises:
        WrongAnswer: There is no response.
    """
    parser = h11.Connection(h11.CLIENT)
    parser.send(h11.Request(method="GET", target="/", headers=[("host", "localhost")]))
    parser.send(h11.EndOfMessage())
    connection.sendall(request)
    raw, body, status = b"", b"", 0
    headers: tuple[Pair, ...] = ()
    while True:
        event = parser.next_event()
        if event is h11.NEED_DATA:
            data = connection.recv(_SIZE)
            raw += data
            parser.receive_data(data)
        elif isinstance(event, h11.Response):
            status, headers = event.status_code, tuple(event.headers)
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            return Answer(status, headers, body), raw
        else:
            raise WrongAnswer(f"Instead of an answer there came {event!r}, after {raw[:200]!r}.")


def check(connection: socket.socket, workload: Workload) -> Expected:
    """Request the workload's response and check all of it.

    Raises:
        WrongAnswer: It is not the workload's.
    """
    try:
        answer, raw = ask(connection, request_of(workload))
    except (h11.ProtocolError, OSError) as error:
        raise WrongAnswer(f"{workload.name!r}: {error!r} instead of an answer.") from error
    if faults := workload.faults(answer):
        raise WrongAnswer(f"{workload.name!r}: {' '.join(faults)}")
    head = raw.index(b"\r\n\r\n") + 4
    return Expected(len(raw), raw[: raw.index(b"\r\n") + 2], raw[head:])


# -- websockets ------------------------------------------------------------------------------------


def upgrade_request(path: str = "/") -> bytes:
    """Return the bytes that ask for a websocket. (:rfc:`6455` §4.1.)"""
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {_KEY.decode()}"
        "\r\n\r\n"
    ).encode()


def upgrade(connection: socket.socket, path: str = "/") -> None:
    """Make a connection a websocket.

    Raises:
        WrongAnswer: The server does not agree to it.
    """
    connection.sendall(upgrade_request(path))
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        data = connection.recv(_SIZE)
        head += data
        if not data:
            break
    if not head.startswith(b"HTTP/1.1 101 ") or _ACCEPT not in head:
        raise WrongAnswer(f"A websocket was answered with {head[:200]!r}.")


def frame(text: str, masked: bool) -> bytes:
    """Make the frame of a short text: masked, as a client sends it, or a server's.

    (:rfc:`6455` §5.2.)
    """
    payload = text.encode()
    if not masked:
        return bytes((0x81, len(payload))) + payload
    hidden = bytes(byte ^ _MASK[index % 4] for index, byte in enumerate(payload))
    return bytes((0x81, 0x80 | len(payload))) + _MASK + hidden


def check_echo(connection: socket.socket) -> Expected:
    """Send one text on a websocket and check its echo.

    Raises:
        WrongAnswer: The echo differs.
    """
    echo = frame(MESSAGE, masked=False)
    connection.sendall(frame(MESSAGE, masked=True))
    data = b""
    while len(data) < len(echo):
        part = connection.recv(_SIZE)
        data += part
        if not part:
            break
    if data != echo:
        raise WrongAnswer(f"The echo is {data[:200]!r}, not {echo!r}.")
    return Expected(len(echo), echo, b"")


# -- load ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counted:
    """Result of a load: responses, seconds by the clock, seconds of this thread's CPU time."""

    answers: int
    seconds: float
    client: float


def load(
    connections: Sequence[socket.socket],
    request: bytes,
    expected: Expected,
    seconds: float,
    in_flight: int = 1,
) -> Counted:
    """Send requests on all connections for so long, one after each response; wait for the last.

    Args:
        connections: Connections that were checked.
        request: The bytes to send.
        expected: The expected response.
        seconds: How long to send.
        in_flight: How many requests each connection is ahead.

    Raises:
        WrongAnswer: A response differs or is missing.
    """
    due = dict.fromkeys([each.fileno() for each in connections], in_flight)
    poll = select.epoll()
    for each in connections:
        each.setblocking(False)
        poll.register(each.fileno(), select.EPOLLIN)
    rests: dict[int, bytes] = {}
    began, client = time.perf_counter(), time.thread_time()
    try:
        for fd in due:
            os.write(fd, request * in_flight)
        answers = _ask_again(poll, request, expected, began + seconds, rests)
        answers += _wait_for_last(poll, expected, due, rests)
    finally:
        poll.close()
    return Counted(answers, time.perf_counter() - began, time.thread_time() - client)


def _ask_again(
    poll: select.epoll, request: bytes, expected: Expected, until: float, rests: dict[int, bytes]
) -> int:
    # PERF: 64 connections share this loop, so everything for a whole response is inline.
    length, begin, end = expected.length, expected.begin, expected.end
    read, write, clock, wait = os.read, os.write, time.perf_counter, poll.poll
    answers = 0
    while clock() < until:
        ready = wait(STALL)
        if not ready:
            raise WrongAnswer(f"No answer came within {STALL:g} s.")
        for fd, _ in ready:
            data = read(fd, _SIZE)
            if (
                len(data) == length
                and fd not in rests
                and data.startswith(begin)
                and data.endswith(end)
            ):
                write(fd, request)
                answers += 1
            elif count := _count(fd, data, expected, rests):
                write(fd, request * count)
                answers += count
    return answers


def _wait_for_last(
    poll: select.epoll, expected: Expected, due: dict[int, int], rests: dict[int, bytes]
) -> int:
    answers, left = 0, sum(due.values())
    while answers < left:
        ready = poll.poll(STALL)
        if not ready:
            raise WrongAnswer(f"No answer came within {STALL:g} s.")
        for fd, _ in ready:
            answers += _count(fd, os.read(fd, _SIZE), expected, rests)
    return answers


def _count(fd: int, data: bytes, expected: Expected, rests: dict[int, bytes]) -> int:
    """Count the answers that are whole now; what is not is kept for the next time."""
    if not data:
        raise WrongAnswer("A server closed a connection while it was timed.")
    data = rests.pop(fd, b"") + data
    count = expected.count(data)
    if rest := data[count * expected.length :]:
        rests[fd] = rest
    return count
