"""The development server in real processes, over real sockets."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from click.testing import CliRunner

from asyncflask.cli import cli
from asyncflask.cli.serve import _listen, serve_locally
from tests.cli.clients import error_page, page, wait_until
from tests.conftest import Program, StartProgram

Write = Callable[[str, str], Path]
PEM = str(Path(__file__).with_name("localhost.pem"))  # for these tests only

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

APP = """
from asyncflask import Flask, websocket
app = Flask("shop")

@app.get("/")
async def home():
    return "first"

@app.websocket("/wait")
async def wait():
    await websocket.accept()
    await websocket.receive()

@app.before_serving
async def start():
    print("started", flush=True)

@app.after_serving
async def end():
    print("ended", flush=True)
"""


@pytest.fixture
def run(start_program: StartProgram) -> StartProgram:
    """Start ``asyncflask run`` with these arguments; ``app`` is found in the current directory."""

    def run(*arguments: str, app: str | None = None) -> Program:
        chosen = ("--app", app) if app else ()
        return start_program("-m", "asyncflask", *chosen, "run", "--port", "0", *arguments)

    return run


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_served_until_a_signal_comes(run: StartProgram, write: Write, number: int) -> None:
    """`after_serving` runs, the exit code is 0, and there is no traceback."""
    write("app.py", APP)

    program = run()
    url = program.url()
    assert page(url) == "first"
    program.send_signal(number)
    output = program.wait()

    assert program.returncode == 0
    assert "ended" in output
    assert "Traceback" not in output
    assert "Running on" not in output
    assert url not in output
    assert '"GET / HTTP/1.1" 200' in output


async def test_open_websocket_does_not_disturb_the_end(run: StartProgram, write: Write) -> None:
    connect = pytest.importorskip("websockets").connect
    write("app.py", APP)

    program = run()
    async with connect(program.url().replace("http", "ws") + "/wait"):
        program.send_signal(signal.SIGINT)
        output = await asyncio.to_thread(program.wait)

    assert program.returncode == 0
    assert "ended" in output
    assert "Traceback" not in output


def test_an_app_that_cannot_start_is_in_the_log_and_ends_with_one_line(
    run: StartProgram, write: Write
) -> None:
    write("app.py", APP.replace('print("started", flush=True)', 'raise LookupError("no database")'))

    program = run()
    output = program.wait()

    assert program.returncode == 1
    assert "Error: The app failed in startup. LookupError: no database" in output
    assert output.count("Traceback") == 1
    assert "Running on" not in output


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--workers", "2", "--reload"], "`--workers 2` does not go with `--reload`"),
        (["--max-requests", "9", "--reload"], "`--max-requests 9` does not go with `--reload`"),
        (["--workers", "2", "--cert", "adhoc"], "needs its certificate in a file"),
        (["--workers", "0"], "0 is not in the range"),
        (["--server", "gunicorn"], "'gunicorn' is not one of"),
    ],
)
def test_options_that_do_not_go_together_are_a_usage_error(
    runner: CliRunner, write: Write, args: list[str], message: str
) -> None:
    write("app.py", APP)

    result = runner.invoke(cli, ["run", "--port", "0", *args])

    assert result.exit_code == 2
    assert message in result.output


def test_changed_file_is_served_after_a_reload(run: StartProgram, write: Write) -> None:
    """Meanwhile a syntax error is a 500, and does not end the server."""
    file = write("app.py", APP)

    program = run("--reload")
    url = program.url()
    assert page(url) == "first"
    change(file, "def")
    wait_until(lambda: error_page(url))
    change(file, APP.replace("first", "second"))
    wait_until(lambda: page(url) == "second")
    change(file, APP.replace("first", "third"))
    wait_until(lambda: page(url) == "third")
    # Ctrl+C ends the reloader and its child; the syntax error's traceback was written before.
    page(url + "?before-the-end")
    program.output.until("before-the-end")
    program.send_signal_to_group(signal.SIGINT)
    output = program.wait()

    assert program.returncode == 0
    assert "Traceback" not in output


def change(file: Path, text: str) -> None:
    file.write_text(text)
    later = time.time() + 2  # Some file systems keep whole seconds.
    os.utime(file, (later, later))


def test_certificate_makes_it_https(run: StartProgram, write: Write) -> None:
    write("app.py", APP)
    trusting = ssl.create_default_context(cafile=PEM)

    program = run("--cert", PEM, "--key", PEM)
    url = program.url()
    with urlopen(url, timeout=5, context=trusting) as response:
        body = response.read()

    assert url.startswith("https://127.0.0.1:")
    assert body == b"first"


@pytest.mark.parametrize(
    ("args", "protocol"),
    [
        (["--cert", "adhoc"], None),
        (["--cert", "adhoc", "--server", "hypercorn"], "h2"),
        (["--cert", PEM, "--key", PEM, "--server", "hypercorn"], "h2"),
        (["--cert", PEM, "--key", PEM, "--server", "hypercorn", "--max-requests", "9"], "h2"),
    ],
)
def test_hypercorn_offers_http2_with_any_certificate(
    run: StartProgram, write: Write, args: list[str], protocol: str | None
) -> None:
    write("app.py", APP)
    context = ssl._create_unverified_context()
    context.set_alpn_protocols(["h2", "http/1.1"])

    program = run(*args)
    host, port = program.url().removeprefix("https://").split(":")
    with (
        socket.create_connection((host, int(port)), timeout=10) as tcp,
        context.wrap_socket(tcp) as tls,
    ):
        assert tls.selected_alpn_protocol() == protocol


@pytest.mark.parametrize("server", ["embedded", "hypercorn"])
def test_a_socket_file_is_removed_at_the_end(
    run: StartProgram, write: Write, tmp_path: Path, server: str
) -> None:
    write("app.py", APP)
    path = tmp_path / "socket"

    program = run("--host", f"unix:{path}", "--server", server, "--reload")
    wait_until(path.exists)
    wait_until(lambda: can_connect(path))
    program.send_signal(signal.SIGTERM)
    program.wait()

    assert not path.exists()


def can_connect(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


async def ends_itself(scope: Any, receive: Any, send: Any) -> None:
    """An app that sends its own process a signal after startup."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGTERM)
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_signal_handlers_are_restored(host: str, capfd: pytest.CaptureFixture[str]) -> None:
    """After `app.run()` in a script, Ctrl-C is Python's own again."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    if host == "::1" and not socket.has_ipv6:
        pytest.skip("no IPv6")

    serve_locally(ends_itself, host, 0)

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert "Running on http" in capfd.readouterr().err


def test_a_port_in_use_is_an_error_of_one_line(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SystemExit, match="1"):
            serve_locally(lambda *_: None, "127.0.0.1", port)  # type: ignore[arg-type]  # never called

    error = capsys.readouterr().err

    assert error.count("\n") == 1
    assert f"port {port} of '127.0.0.1'" in error
    assert "choose another port" in error


@pytest.mark.parametrize(
    ("host", "remedy"),
    [
        ("192.0.2.1", "This machine has no such address"),
        ("nowhere.invalid", "No such host is known"),
        ("unix:///no/such/folder/socket", "Choose another path"),
    ],
)
def test_an_invalid_address_is_an_error_of_one_line(
    capsys: pytest.CaptureFixture[str], host: str, remedy: str
) -> None:
    with pytest.raises(SystemExit, match="1"):
        _listen(host, 0)

    assert remedy in capsys.readouterr().err


def test_socket_file_of_a_dead_server_is_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "s")
    _listen(f"unix://{path}", 0).close()

    with _listen(f"unix://{path}", 0), pytest.raises(SystemExit, match="1"):
        _listen(f"unix://{path}", 0)

    assert "Another program listens there" in capsys.readouterr().err


def test_module_is_the_command() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "asyncflask", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )

    assert result.stdout.startswith("Usage: python -m asyncflask")


RUN = "\nif __name__ == '__main__':\n    app.run(port=0, {options})\n"


UNCLOSED = 'title = "<b>\n'
SYNTAX_ERROR = (UNCLOSED, ["SyntaxError: unterminated string literal", "&lt;b&gt;"])
OTHER_ERRORS = [
    (broken, ["The reason is in the terminal."]) for broken in ("import nothing_such", "1 / 0")
]


@pytest.mark.parametrize("server", ["embedded", "hypercorn"])
def test_app_run_answers_500_while_the_code_is_broken(
    start_program: StartProgram, write: Write, server: str
) -> None:
    """For several errors, one after the other. The address is printed once."""
    source = APP + RUN.format(options=f"debug=True, server={server!r}")
    file = write("app.py", source)

    program = start_program(str(file))
    url = program.url()
    assert page(url) == "first"
    for broken, shown in (SYNTAX_ERROR, *OTHER_ERRORS):
        change(file, broken)
        wait_until(lambda: error_page(url))
        text = error_page(url)
        assert text is not None
        assert [each for each in shown if each not in text] == []
        corrected = f"corrected after {broken[:5]}"
        change(file, source.replace("first", repr(corrected)[1:-1]))
        wait_until(lambda: page(url) == corrected)  # noqa: B023  # called at once
    program.send_signal_to_group(signal.SIGINT)
    output = program.wait()

    assert program.returncode == 0
    assert url.removeprefix("http://") not in output
    assert "Serving" not in output


@pytest.mark.parametrize("options", ["debug=False", "server='hypercorn'"])
def test_app_run_prints_its_address_once(
    start_program: StartProgram, write: Write, options: str
) -> None:
    """With the reloader as well: the test above."""
    file = write("app.py", APP + RUN.format(options=options))

    program = start_program(str(file))
    url = program.url()
    assert page(url) == "first"
    program.send_signal_to_group(signal.SIGINT)
    output = program.wait()

    assert program.returncode == 0
    assert url.removeprefix("http://") not in output
    assert "Serving" not in output


def test_a_server_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"server='gunicorn' is none of 'embedded', 'hypercorn'"):
        serve_locally(None, "127.0.0.1", 0, server="gunicorn")
