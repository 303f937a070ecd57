"""The expected responses, and that all installed peers send them."""

from __future__ import annotations

import asyncio
import logging

import pytest

from benchmarks.apps import PEERS, SUBJECT
from benchmarks.client import Client, Lifespan, WrongAnswer
from benchmarks.workloads import WORKLOADS, Answer, Workload

#: other packages that a peer's apps need, and import late
NEEDS = {"starlette": "python_multipart", "fastapi": "python_multipart"}


def apps_of(name):
    """Return a peer's apps; skip the test if it is not installed."""
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], exc_type=ImportError)
    try:
        return PEERS[name].apps()
    except ImportError as error:
        pytest.skip(f"{PEERS[name].title} is not installed: {error}")


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


@pytest.mark.parametrize("name", PEERS)
async def test_each_peer_answers_its_workloads_rightly_and_logs_nothing(name, caplog):
    """One log line per request would be measured as the peer's own work."""
    peer, apps = PEERS[name], apps_of(name)
    handlers = list(logging.getLogger().handlers)

    for workload in apps:
        client = Client(apps[workload](), WORKLOADS[workload], peer.wsgi, workload in peer.leaving)
        lifespan = Lifespan(client.app)
        if peer.lifespan:
            await lifespan.start()
        await asyncio.wait_for(client.check(), 10)
        if peer.lifespan:
            await lifespan.end()

    assert [record.getMessage() for record in caplog.records] == []
    assert logging.getLogger().handlers == handlers


async def test_two_apps_of_sanic_are_both_rewritten_as_they_start():
    """It skips signals without receivers; an app that does not is several times slower."""
    apps = apps_of("sanic")
    from sanic import Sanic

    names = []
    for workload in ("plaintext", "hooks"):
        lifespan = Lifespan(apps[workload]())
        await lifespan.start()
        names.append(Sanic.handle_request.__code__.co_filename)
        await lifespan.end()

    assert names == ["handle_request", "handle_request"]


def test_a_peer_waits_for_its_client_in_workloads_that_there_are():
    waiting = {workload for peer in PEERS.values() for workload in peer.leaving}

    assert waiting
    assert waiting <= WORKLOADS.keys()


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
