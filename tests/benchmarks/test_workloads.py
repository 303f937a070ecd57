"""What counts as a right answer."""

from __future__ import annotations

import pytest

from benchmarks.apps import PEERS, SUBJECT
from benchmarks.client import Client, WrongAnswer
from benchmarks.workloads import WORKLOADS, Answer, Workload


async def text_app(scope, receive, send, status=200, body=b"Hello, World!"):
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body})


@pytest.mark.parametrize("name", WORKLOADS)
async def test_asyncflask_answers_each_workload_rightly(name):
    app = PEERS[SUBJECT].apps()[name]()

    await Client(app, WORKLOADS[name]).check()


@pytest.mark.parametrize("name", sorted(WORKLOADS.keys() - {"def_view"}))
async def test_the_floor_answers_each_workload_rightly(name):
    app = PEERS["raw"].apps()[name]()

    await Client(app, WORKLOADS[name]).check()


def test_every_subject_has_an_app_for_every_workload():
    assert PEERS[SUBJECT].apps().keys() == WORKLOADS.keys()


@pytest.mark.parametrize(
    ("workload", "answer", "fault"),
    [
        (Workload("x", "x", "/"), Answer(500, (), b""), "The status is 500, not 200."),
        (Workload("x", "x", "/", answer=b"a"), Answer(200, (), b"b"), "b'b', not b'a'"),
        (Workload("x", "x", "/", data={"a": 1}), Answer(200, (), b'{"a": 2}'), "as JSON"),
        (Workload("x", "x", "/", data={"a": 1}), Answer(200, (), b"{"), "as JSON"),
        (Workload("x", "x", "/", parts=(b"a",)), Answer(200, (), b"b"), "b'a' is not in the body"),
        (Workload("x", "x", "/", sets=((b"a", None),)), Answer(200, (), b""), "The header b'a'"),
        (
            Workload("x", "x", "/", sets=((b"a", b"1"),)),
            Answer(200, ((b"A", b"2"),), b""),
            "b'2', not b'1'",
        ),
    ],
)
def test_a_wrong_answer_is_named(workload, answer, fault):
    faults = workload.faults(answer)

    assert len(faults) == 1
    assert fault in faults[0]


def test_a_right_answer_has_no_faults():
    workload = Workload("x", "x", "/", data=[1], parts=(b"1",), sets=((b"a", b"2"),))

    assert workload.faults(Answer(200, ((b"A", b"2"),), b"[1]")) == []


async def test_an_app_with_a_wrong_answer_is_refused():
    async def app(scope, receive, send):
        await text_app(scope, receive, send, body=b"Hello")

    with pytest.raises(WrongAnswer, match=r"'plaintext': The body is b'Hello'"):
        await Client(app, WORKLOADS["plaintext"]).check()


async def test_an_app_that_answers_nothing_is_refused():
    async def app(scope, receive, send):
        pass

    with pytest.raises(WrongAnswer, match="first message"):
        await Client(app, WORKLOADS["plaintext"]).check()
