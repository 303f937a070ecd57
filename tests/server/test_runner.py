"""run() ends in time, whatever still runs on its loop or in threads."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
import threading
import time

import pytest

from asyncflask.server.runner import (
    MOMENT,
    SIGNALS,
    DaemonThreads,
    LastResort,
    Signals,
    run_loop,
)

PROGRAM = """
import asyncio, sys, time
from asyncflask import Flask
from asyncflask.server import Config, listen, run

app = Flask("program")

@app.get("/thread")
def thread():
    print("begun", flush=True)
    time.sleep(60)

@app.get("/to_thread")
async def to_thread():
    print("begun", flush=True)
    await asyncio.to_thread(time.sleep, 60)

@app.get("/swallow")
async def swallow():
    print("begun", flush=True)
    while True:
        try:
            await asyncio.sleep(60)
        except BaseException:
            pass

@app.get("/generator")
async def generator():
    async def pieces():
        print("begun", flush=True)
        try:
            yield "x"
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(60)
    return pieces()

@app.get("/background")
async def background():
    app.add_background_task(swallow)
    return ""

@app.get("/blocked")
async def blocked():
    print("begun", flush=True)
    time.sleep(60)

@app.after_serving
def down():
    print("down", flush=True)
    if "hang" in sys.argv:
        time.sleep(60)

app.config["BACKGROUND_TASK_SHUTDOWN_TIMEOUT"] = 0.1
listener = listen("127.0.0.1", 0)
print(listener.getsockname()[1], flush=True)
config = Config(grace=0.5, lifespan_timeout=1.5, access_log=False, loop=sys.argv[1])
run(app, [listener], config)
print("end", flush=True)
"""


def loops():
    try:
        import uvloop
    except ImportError:
        return ["asyncio"]
    return ["asyncio", uvloop.__name__]


@pytest.fixture(params=loops())
def start(request, start_program):
    """Start the program; return it while a client waits for the response to a request."""
    with contextlib.ExitStack() as clients:

        def start(path, *arguments):
            program = start_program("-c", PROGRAM, request.param, *arguments, errors=True)
            port = int(program.output.line())
            if path:
                client = clients.enter_context(socket.create_connection(("127.0.0.1", port)))
                client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                assert program.output.line() == "begun\n"
            return program

        yield start


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("/thread", signal.SIGTERM),
        ("/thread", signal.SIGINT),
        ("/to_thread", signal.SIGTERM),
        ("/swallow", signal.SIGTERM),
        ("/generator", signal.SIGTERM),
        ("/background", signal.SIGTERM),
    ],
)
def test_a_signal_ends_the_server_in_order_whatever_a_view_does(start, path, number):
    program = start(path)
    program.send_signal(number)
    out, err = program.wait(), program.errors.rest()

    assert (program.returncode, out) == (0, "down\nend\n"), err
    assert "destroyed" not in err
    assert "Exception ignored" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_two_signals_at_the_same_time_are_one(capfd):
    """At Ctrl+C a worker gets SIGINT from the terminal, and SIGTERM from the parent process."""
    before = [signal.getsignal(number) for number in SIGNALS]
    last_resort = LastResort()

    async def serve():
        stop = asyncio.Event()
        with Signals(stop.set, last_resort, 30, 30):
            signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
            for number in SIGNALS:
                signal.raise_signal(number)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            await stop.wait()
            assert [signal.getsignal(number) for number in SIGNALS] == [signal.SIG_DFL] * 2

    try:
        run_loop(serve(), None, 5)
    finally:
        last_resort.stop()

    assert [signal.getsignal(number) for number in SIGNALS] == before
    assert capfd.readouterr().err == ""


def _factories():
    factories = {"asyncio": None}
    with contextlib.suppress(ImportError):
        import uvloop

        factories["uvloop"] = uvloop.new_event_loop
    return factories


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("factory", _factories().values(), ids=_factories())
def test_a_signal_that_interrupts_no_wait_of_the_loop_is_noticed(factory):
    """The system delivers it to another thread, right before the loop waits."""
    last_resort = LastResort()
    waited = []

    def send():
        time.sleep(0.2)
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    async def serve():
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        give_up = loop.call_later(5, stop.set)
        before = loop.time()
        with Signals(stop.set, last_resort, 30, 30):
            threading.Thread(target=send).start()
            await stop.wait()
        waited.append(loop.time() - before)
        give_up.cancel()

    try:
        run_loop(serve(), factory, 5)
    finally:
        last_resort.stop()

    assert waited[0] < 3
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("factory", _factories().values(), ids=_factories())
def test_an_exit_in_another_task_does_not_end_a_server(factory, error, caplog):
    """The server handles SIGINT itself, so that a ``KeyboardInterrupt`` is the app's own."""
    last_resort = LastResort()
    seen = []

    async def fail():
        raise error

    async def main():
        with Signals(lambda: None, last_resort, 30, 30):
            forgotten = asyncio.create_task(fail())
            for waiting in (asyncio.gather(fail()), asyncio.create_task(fail())):
                try:
                    await waiting
                except BaseException as raised:
                    seen.append(raised)
            seen.append(forgotten.exception())

    run_loop(main(), factory, 5, outlasts_exits=True)

    assert seen == [error] * 3
    assert len(caplog.records) == 3
    assert "A task of the app raised" in caplog.text


@pytest.mark.parametrize("step", ["before_serving", "after_serving"])
@pytest.mark.parametrize(
    ("error", "status"), [("SystemExit(7)", 7), ("KeyboardInterrupt()", -signal.SIGINT)]
)
def test_an_exit_in_the_lifespan_ends_the_program(start_program, step, error, status):
    program = start_program(
        "-c",
        "import signal\n"
        "from asyncflask import Flask\n"
        "app = Flask('shop')\n"
        f"@app.{step}\n"
        "async def step():\n"
        f"    raise {error}\n"
        "@app.before_serving\n"
        "async def stop():\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
        "app.run(port=0)\n",
    )

    output = program.wait()

    assert program.returncode == status, output


@pytest.mark.parametrize("outlasts", [False, True])
def test_an_exit_of_the_server_itself_ends_it(outlasts):
    async def main():
        raise SystemExit(4)

    with pytest.raises(SystemExit, match="4"):
        run_loop(main(), None, 5, outlasts_exits=outlasts)


async def test_a_wakeup_descriptor_that_the_app_has_set_is_kept():
    last_resort = LastResort()
    with socket.socket() as other:
        other.setblocking(False)
        with Signals(lambda: None, last_resort, 30, 30):
            own = signal.set_wakeup_fd(other.fileno())
        assert own != -1
        assert signal.set_wakeup_fd(-1) == other.fileno()


def test_a_loop_that_is_blocked_ends_with_1_and_a_traceback(start):
    program = start("/blocked")
    program.send_signal(signal.SIGTERM)
    program.wait()

    assert program.returncode == 1
    assert "in blocked" in program.errors.rest()


def test_an_after_serving_function_that_hangs_in_a_thread_is_left_behind(start):
    program = start("", "hang")
    time.sleep(0.5)
    program.send_signal(signal.SIGTERM)
    out, err = program.wait(), program.errors.rest()

    assert program.returncode == 1
    assert "LifespanFailed: The app's shutdown took more than 1.5 seconds" in err
    assert "down" in out


# -- threads ---------------------------------------------------------------------------------------


@pytest.fixture
def threads():
    executor = DaemonThreads(2)
    yield executor
    executor.shutdown()


def test_threads_are_reused_and_limited(threads):
    turn, names = threading.Event(), set()

    def work():
        names.add(threading.current_thread().name)
        turn.wait(5)

    futures = [threads.submit(work) for _ in range(5)]
    turn.set()
    for future in futures:
        future.result(5)

    assert names <= {"asyncflask-blocking-1", "asyncflask-blocking-2"}


def test_results_and_errors_reach_the_caller(threads):
    assert threads.submit(max, 1, 2).result(5) == 2
    with pytest.raises(ValueError, match="invalid literal"):
        threads.submit(int, "x").result(5)
    with pytest.raises(SystemExit, match="3"):
        threads.submit(sys.exit, 3).result(5)


def test_a_stop_iteration_is_a_runtime_error_because_no_future_takes_it(threads):
    with pytest.raises(RuntimeError, match=r"next.* raised StopIteration") as caught:
        threads.submit(next, iter(())).result(5)

    assert isinstance(caught.value.__cause__, StopIteration)


def test_a_call_that_was_cancelled_before_is_not_made(threads):
    turn, made = threading.Event(), []
    first = [threads.submit(turn.wait, 5) for _ in range(2)]
    late = threads.submit(made.append, 1)
    assert late.cancel()
    turn.set()
    for future in first:
        future.result(5)
    threads.shutdown()

    assert made == []


def test_the_end_does_not_wait_for_a_busy_thread(threads):
    turn = threading.Event()
    threads.submit(turn.wait, 30)
    began = time.monotonic()
    threads.shutdown()
    turn.set()

    assert time.monotonic() - began < MOMENT + 5
    with pytest.raises(RuntimeError, match="after the server's loop had ended"):
        threads.submit(max, 1, 2)


# -- the loop --------------------------------------------------------------------------------------


def test_an_exception_of_the_main_coroutine_is_raised_when_the_other_tasks_have_ended():
    seen = []

    async def work():
        try:
            await asyncio.sleep(60)
        finally:
            seen.append("ended")

    async def main():
        seen.append(asyncio.create_task(work()))
        await asyncio.sleep(0)
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        run_loop(main(), None, 5)
    assert seen[1:] == ["ended"]
