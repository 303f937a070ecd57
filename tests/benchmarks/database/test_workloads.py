"""Only right answers pass."""

from __future__ import annotations

import json
import socket
import threading

import pytest

from benchmarks.client import WrongAnswer
from benchmarks.database import queries
from benchmarks.database.workloads import WORKLOADS, page


def row(id, number=None):
    return {"id": id, "number": queries.number_of(id) if number is None else number}


def expect(name, body, status="200 OK"):
    """Answer a workload's request with a body; return what the load may expect then."""

    def serve():
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve)
        server.start()
        with socket.create_connection(listener.getsockname()) as connection:
            try:
                return WORKLOADS[name].expect(connection, "no database")
            finally:
                server.join(30)


def encoded(value):
    return json.dumps(value).encode()


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_random_rows_share_their_end(end):
    rows = [row(id) for id in range(2000, 2000 + queries.ROWS)]

    assert expect("one", encoded(row(1234)) + end).end == b"}" + end
    assert expect("several", encoded(rows) + end).end == b"}]" + end


def test_the_page_of_fortunes_is_the_same_each_time():
    assert expect("fortunes", page()).end == page()


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("one", encoded(row(1234, number=1000))),
        ("one", encoded({**row(1234), "more": 1})),
        ("several", encoded([row(1234)] * queries.ROWS)),
        ("several", encoded([row(id) for id in range(2000, 2019)])),
        ("updates", encoded([row(1234)])),
        ("fortunes", page().replace(b"&lt;script", b"<script")),
    ],
)
def test_a_wrong_answer_is_refused(name, body):
    with pytest.raises(WrongAnswer, match=WORKLOADS[name].title):
        expect(name, body)


def test_an_error_is_refused_with_its_status():
    with pytest.raises(WrongAnswer, match="503"):
        expect("fortunes", page(), "503 Service Unavailable")


def test_all_ids_and_numbers_have_four_digits():
    numbers = [queries.number_of(id) for id in queries.IDS]

    assert {len(str(value)) for value in (*queries.IDS, *numbers)} == {4}
