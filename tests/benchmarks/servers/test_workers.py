"""Workers and restarts: what the clients of the restarts count, and the tables."""

from __future__ import annotations

import socket
import sys
import threading

import pytest

if sys.platform != "linux":
    pytest.skip("for Linux", allow_module_level=True)

from benchmarks import __main__ as command
from benchmarks.servers import workers

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nHi"
LAST = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: close\r\n\r\nHi"


def noticed(responses):
    """Answer on one connection with these bytes, and close it; return what the client noticed."""

    def serve():
        connection, _ = listener.accept()
        listener.close()  # A further connection is refused, and does not wait to be reset.
        with connection:
            for response in responses:
                request = b""
                while not request.endswith(b"\r\n\r\n"):
                    request += connection.recv(4096)
                connection.sendall(response)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve)
        server.start()
        with workers.loaded(listener.getsockname(), clients=1) as found:
            server.join(30)
    return found


@pytest.mark.parametrize(
    ("responses", "answers", "cut_off"),
    [([ANSWER, LAST], 2, 0), ([ANSWER], 1, 1), ([ANSWER, ANSWER[:-1]], 1, 1)],
)
def test_a_request_fails_if_its_connection_ends_before_the_response(responses, answers, cut_off):
    found = noticed(responses)

    assert len(found.milliseconds) == answers
    assert found.failures.total() - found.failures["ConnectionRefusedError"] == cut_off


def test_the_tables_have_throughput_and_failures():
    restarts = {
        "restarts": 20,
        "answers": 12345,
        "failures": {"ConnectionResetError": 3},
        "p50": 1.23,
        "p99": 4.56,
        "most": 78.9,
        "seconds": 1.5,
    }
    result = _result(restarts)

    assert workers.report(result).splitlines() == [
        "2030-01-01, Some (4 cores, Linux x86_64, load 0.1 at the start)",
        "",
        "| requests/s, plaintext | workers: 1 | workers: 2 |",
        "| --- | --: | --: |",
        "| asyncflask | 2,000 | 4,000 |",
        "",
        "| 2 workers under load | restarts | answers | failed | p50 ms | p99 ms | longest ms"
        " | s a restart |",
        "| --- | --: | --: | --: | --: | --: | --: | --: |",
        "| asyncflask | 20 | 12,345 | 3 | 1.2 | 4.6 | 78.9 | 1.5 |",
    ]


def test_an_unknown_server_is_named(capsys):
    assert command.main(["workers", "--server", "gunicorn"]) == 2

    assert "There is no server 'gunicorn'. There are: asyncflask," in capsys.readouterr().err


def test_the_picture_has_throughput_and_failed_requests(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib draws the pictures")

    workers.plot(_result({"restarts": 20, "failures": {"ConnectionResetError": 3}}), tmp_path / "x")

    assert "requests that failed in 20 restarts" in (tmp_path / "x").read_text()


def _result(restarts):
    return {
        "date": "2030-01-01",
        "machine": {"processor": "Some", "cores": 4, "system": "Linux x86_64"},
        "load": 0.1,
        "throughput": {"asyncflask": {"1": [1000.0, 3000.0, 2000.0], "2": [4000.0]}},
        "restarts": {"asyncflask": restarts},
    }
