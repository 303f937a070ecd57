"""Clients of one channel on sockets, and one more that publishes by a request.

A message has its number and the time at which its request was sent. The clients share one thread
and one ``epoll``: their own time for a message is part of each latency, whichever app is measured.
"""

from __future__ import annotations

import re
import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..client import WrongAnswer
from ..servers.loads import Address, connect, frame, upgrade_request
from .measure import LENGTH

WEBSOCKET, EVENTS = "websocket", "events"
#: Seconds without a message after which the missing ones count as lost.
PATIENCE = 5.0
#: Seconds in which all clients have to be subscribed, and between two messages that show it.
SETTLE, TRY = 30.0, 0.2
#: Connections that are opened before the responses of the earlier ones are read.
AT_ONCE = 50

_MESSAGE = re.compile(rb"<(\d+) (\d+)>")
_SIZE = 1 << 16


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n".encode()


@dataclass(frozen=True)
class Greeting:
    """What a client sends before it waits for messages.

    Args:
        request: Its request.
        then: What follows when the request is answered.
    """

    request: bytes
    then: bytes = b""


GREETINGS = {
    WEBSOCKET: Greeting(upgrade_request("/websocket")),
    EVENTS: Greeting(_get("/events")),
}
#: The protocol of python-socketio has no event streams. The text connects to its namespace "/".
SOCKET_IO = {
    WEBSOCKET: Greeting(
        upgrade_request("/socket.io/?EIO=4&transport=websocket"), frame("40", masked=True)
    )
}


@dataclass
class Arrivals:
    """What the clients have received of a run.

    Args:
        due: How many deliveries there had to be.
    """

    due: int
    #: of each delivery, from before its request was sent, in µs
    latencies: list[float] = field(default_factory=list)
    #: deliveries that came after a later one, or twice; they do not count
    disordered: int = 0
    #: from the first request to the last delivery
    seconds: float = 0.0

    @property
    def lost(self) -> int:
        """How many deliveries have not come."""
        return self.due - len(self.latencies)


class _Client:
    """A client.

    Args:
        connection: Its connection.
    """

    __slots__ = ("connection", "last", "rest")

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        #: the number of its last message
        self.last = -1
        #: the begin of a message whose end has not come
        self.rest = b""


class Crowd:
    """Clients of the channel, spread evenly over servers.

    Args:
        addresses: The servers'. The first one is asked to publish.
        greeting: What each client sends first.
    """

    def __init__(self, addresses: Sequence[Address], greeting: Greeting) -> None:
        self._addresses = addresses
        self._greeting = greeting
        self._opened: list[socket.socket] = []
        self._clients: dict[int, _Client] = {}
        self._poll = select.epoll()
        self._publisher = connect(addresses[0])
        self._publisher.setblocking(False)
        self._poll.register(self._publisher.fileno(), select.EPOLLIN)
        self._answered = True
        self._answer = b""
        #: the number of the next message
        self._next = 0

    def close(self) -> None:
        """Close all connections."""
        self._poll.close()
        self._publisher.close()
        for connection in self._opened:
            connection.close()

    def come(self, clients: int) -> None:
        """Let more clients connect, and wait until each of them has received a message.

        Args:
            clients: How many for each server.

        Raises:
            WrongAnswer: A connection is refused, or a client receives nothing.
        """
        for _ in range(-(-clients // AT_ONCE)):
            count = min(AT_ONCE, clients)
            clients -= count
            opened = [connect(address) for address in self._addresses for _ in range(count)]
            self._opened += opened
            for connection in opened:
                connection.sendall(self._greeting.request)
            for connection in opened:
                self._add(connection)
        until = time.monotonic() + SETTLE
        while not self._answered or any(client.last < 0 for client in self._clients.values()):
            if time.monotonic() > until:
                raise WrongAnswer("A client has received no message.")
            if self._answered:
                self._send()
            self._read_for(TRY)
        self._read_for(TRY)

    def _add(self, connection: socket.socket) -> None:
        head = connection.recv(_SIZE)
        if not head.startswith((b"HTTP/1.1 101 ", b"HTTP/1.1 200 ")):
            raise WrongAnswer(f"A client was answered with {head[:200]!r}.")
        connection.sendall(self._greeting.then)
        connection.setblocking(False)
        self._clients[connection.fileno()] = _Client(connection)
        self._poll.register(connection.fileno(), select.EPOLLIN)

    def _read_for(self, seconds: float) -> None:
        """Read what comes in so many seconds, and forget it."""
        arrivals = Arrivals(0)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._read(0.02, arrivals, 0, [])

    def publish(self, messages: int, pause: float, ahead: int) -> Arrivals:
        """Publish messages, and wait until all clients have each of them.

        Args:
            messages: How many.
            pause: Seconds from one to the next.
            ahead: How many may be under way; the next one waits until one has reached all clients.

        Returns:
            What has arrived.
        """
        arrivals = Arrivals(messages * len(self._clients))
        first = self._next
        #: by message, how many clients have not received it
        missing = [len(self._clients)] * messages
        whole, sent = 0, 0
        began = heard = time.monotonic()
        while whole < messages:
            now = time.monotonic()
            is_due = self._answered and now >= began + sent * pause and sent - whole < ahead
            if sent < messages and is_due:
                self._send()
                sent += 1
            if self._read(min(pause, 0.001), arrivals, first, missing):
                heard = time.monotonic()
            elif time.monotonic() - heard > PATIENCE:
                break
            while whole < messages and not missing[whole]:
                whole += 1
        arrivals.seconds = heard - began
        return arrivals

    def _send(self) -> None:
        """Publish a message by a request; the answer to the one before must have come."""
        message = b"<%d %d>" % (self._next, time.monotonic_ns())
        self._next += 1
        head = b"POST /publish HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % LENGTH
        self._answered, self._answer = False, b""
        self._publisher.sendall(head + message.ljust(LENGTH, b"x"))

    def _read(self, seconds: float, arrivals: Arrivals, first: int, missing: list[int]) -> int:
        """Wait for deliveries, and note those of the messages from a number on; return how many."""
        count = 0
        for fd, _ in self._poll.poll(seconds):
            client = self._clients.get(fd)
            if client is None:
                self._read_answer()
                continue
            data = client.connection.recv(_SIZE)
            if not data:
                raise WrongAnswer("A server closed the connection of a client.")
            now = time.monotonic_ns()
            data = client.rest + data
            for number, published in _MESSAGE.findall(data):
                count += 1
                _note(client, int(number), (now - int(published)) / 1000, arrivals, first, missing)
            # A message without its end; what follows the last one is padding.
            begin = data.rfind(b"<")
            client.rest = data[begin:] if begin > data.rfind(b">") else b""
        return count

    def _read_answer(self) -> None:
        data = self._publisher.recv(_SIZE)
        self._answer += data
        if not data or not b"HTTP/1.1 204 ".startswith(self._answer[:13]):
            raise WrongAnswer(f"A publisher was answered with {self._answer[:200]!r}.")
        self._answered = self._answer.endswith(b"\r\n\r\n")


def _note(
    client: _Client,
    number: int,
    latency: float,
    arrivals: Arrivals,
    first: int,
    missing: list[int],
) -> None:
    """Note one delivery."""
    if number <= client.last:
        arrivals.disordered += 1
        return
    client.last = number
    place = number - first
    if 0 <= place < len(missing):
        arrivals.latencies.append(latency)
        missing[place] -= 1
