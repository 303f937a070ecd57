"""Clients of channels on sockets: what they count, what is measured, and the tables."""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
from contextlib import suppress

import pytest

if sys.platform != "linux":
    pytest.skip("for Linux", allow_module_level=True)

from benchmarks import __main__ as command
from benchmarks.channels import crowd, sockets, sockets_report
from benchmarks.channels import report as channels
from benchmarks.client import WrongAnswer
from benchmarks.report import replaced

# The system counts the CPU time of another process that runs just now in whole ticks (<= 10 ms).
SMALL = sockets.Size(rounds=1, clients=4, slow=3, fast=200)


def figures(**changed):
    found = {"median": 1.25, "p99": 9.87, "rate": 12345, "cpu": 6.54, "memory": 7.65}
    return found | {"lost": 0, "disordered": 0} | changed


@pytest.fixture
def result():
    return {
        "date": "2030-01-01",
        "machine": {"processor": "Some", "cores": 2, "system": "Linux x86_64"},
        "load": 0.1,
        "size": {"rounds": 3, "clients": 500, "slow": 1, "fast": 1},
        "versions": {"litestar": "2.25.0", "uvicorn": "0.54.0"},
        "length": 100,
        "engines": {
            "redis": {
                "embedded": {"websocket": figures(), "events": figures(lost=3)},
                "litestar": {"websocket": figures(disordered=2), "events": figures()},
                "socketio": {"websocket": figures()},
            }
        },
    }


@pytest.mark.parametrize(
    "line",
    [
        "| Redis | **asyncflask, embedded** | 1.2 | 9.9 | 0 | 0 | 12,345 | 6.5 | 7.7 |",
        "| Redis | **asyncflask, embedded** | 1.2 | 9.9 | 3 | 0 | 12,345 | 6.5 | 7.7 |",
        "| Redis | Litestar, uvicorn | 1.2 | 9.9 | 0 | 2 | 12,345 | 6.5 | 7.7 |",
        "| Redis | python-socketio, uvicorn | 1.2 | 9.9 | 0 | 0 | 12,345 | 6.5 | 7.7 |",
    ],
)
def test_the_tables_have_each_figure(line, result):
    assert line in sockets_report.report(result).splitlines()


def test_the_tables_name_the_versions_of_what_is_measured(result):
    assert "; litestar 2.25.0, uvicorn 0.54.0." in sockets_report.report(result)


def test_a_kind_of_client_that_a_peer_does_not_have_has_no_row(result):
    events = sockets_report.report(result).partition("| event streams |")[2]

    assert "Litestar" in events
    assert "python-socketio" not in events


@pytest.mark.parametrize("page", [channels.PAGE, command.README], ids=["reference", "benchmarks"])
def test_both_pages_have_the_tables_of_the_result(page):
    text = page.read_text(encoding="utf-8")
    made = sockets_report.report(json.loads(command.SOCKETS.read_text(encoding="utf-8")))

    assert text == replaced(text, made, sockets_report.BEGIN, sockets_report.END)


def test_the_picture_has_a_row_for_each_app(result, tmp_path):
    pytest.importorskip("matplotlib")
    sockets_report.plot(result, tmp_path / "picture.svg")
    picture = (tmp_path / "picture.svg").read_text()

    assert "Redis: asyncflask, embedded" in picture
    assert "Redis: Litestar, uvicorn" in picture
    assert "Redis: python-socketio, uvicorn" in picture


@pytest.mark.parametrize("kind", sockets.KINDS)
def test_an_app_is_measured_with_clients_that_receive_everything(kind, monkeypatch):
    monkeypatch.setattr(sockets, "WARM_UP", 2)
    found = sockets.measure(sockets.APPS["embedded"], kind, "memory://", 1, SMALL)

    assert (found["lost"], found["disordered"]) == (0, 0)
    assert 0 < found["median"] <= found["p99"]
    assert found["rate"] > 0
    assert found["cpu"] > 0


class Sender:
    """A server that sends each message as often as it is told.

    Args:
        answer: To the client.
    """

    def __init__(self, answer=b"HTTP/1.1 200 OK\r\n\r\n"):
        self._answer = answer
        #: how often each of the next messages is sent
        self.times = iter(())
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        publisher, _ = self._listener.accept()
        client, _ = self._listener.accept()
        self._listener.close()
        # A client that leaves with unread data resets the connection.
        with publisher, client, suppress(ConnectionError):
            client.recv(4096)
            client.sendall(self._answer)
            while request := publisher.recv(4096):
                client.sendall(re.search(rb"<\d+ \d+>", request)[0] * next(self.times, 1))
                publisher.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    def join(self):
        self._thread.join(30)


@pytest.mark.parametrize(
    ("times", "lost", "disordered"),
    [([1, 1, 1, 1], 0, 0), ([1, 0, 1, 1], 1, 0), ([1, 2, 3, 1], 0, 3)],
)
def test_what_is_missing_and_what_comes_twice_is_counted(times, lost, disordered, monkeypatch):
    monkeypatch.setattr(crowd, "PATIENCE", 0.5)
    sender = Sender()
    clients = crowd.Crowd([sender.address], crowd.GREETINGS[crowd.EVENTS])
    try:
        clients.come(1)
        sender.times = iter(times)
        found = clients.publish(4, 0, 4)
    finally:
        clients.close()
        sender.join()

    assert (found.due, found.lost, found.disordered) == (4, lost, disordered)
    assert len(found.latencies) == 4 - lost


def test_a_client_that_is_refused_is_an_error():
    sender = Sender(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
    clients = crowd.Crowd([sender.address], crowd.GREETINGS[crowd.EVENTS])
    try:
        with pytest.raises(WrongAnswer, match="503"):
            clients.come(1)
    finally:
        clients.close()
        sender.join()
