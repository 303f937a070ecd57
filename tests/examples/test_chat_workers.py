"""The example chat with two workers, as two people see it in two windows of a browser."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.debug.browser import Browser, needs_browser
from tests.services import free_port, in_ci_only, postgresql, redis

pytestmark = needs_browser

#: the process that serves a page's websocket, once it is connected
PROCESS = "document.getElementById('people').dataset.process"


@pytest.fixture(params=[redis, pytest.param(postgresql, marks=in_ci_only)])
def engine(request):
    """The URL of each engine in turn."""
    # PostgreSQL's own user cannot read a folder of pytest's.
    with tempfile.TemporaryDirectory(prefix="asyncflask-chat-") as folder:
        server = request.param(Path(folder))
        server.start()
        yield server.url
        server.kill()


@pytest.fixture
def url(engine, tmp_path):
    """The chat's address, served by two workers."""
    port = free_port()
    factory = f"examples:create_app(instance_path={str(tmp_path)!r})"
    command = ["-m", "asyncflask", "--app", factory, "run", "--workers", "2", "--port", str(port)]
    process = subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, "CHANNELS_URL": engine},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    # urllib waits as long as the workers take to start.
    url = f"http://127.0.0.1:{port}/chat/lounge"
    while True:
        try:
            urllib.request.urlopen(url, timeout=10).close()
            break
        except urllib.error.URLError:
            assert process.poll() is None, process.stdout.read()
    yield url
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert "Traceback" not in output


async def enter(browser, url, name):
    """Enter the room; return the number of the process that serves the websocket."""
    await browser.open(f"{url}?name={name}")
    await browser.until(PROCESS)
    return await browser.look(PROCESS)


async def test_what_one_says_arrives_in_a_window_on_another_worker(url, tmp_path):
    folders = [tmp_path / name for name in ("ada", "bob")]
    for folder in folders:
        folder.mkdir()
    async with Browser(folders[0]) as ada, Browser(folders[1]) as bob:
        process = await enter(ada, url, "Ada")
        for _ in range(50):
            other = await enter(bob, url, "Bob")
            if other != process:
                break
        assert other != process
        for speaker, listener, words in ((ada, bob, "Hello Bob"), (bob, ada, "Hello Ada")):
            await speaker.look("document.getElementById('text').focus()")
            await speaker.type(words)
            said = f"document.querySelector('#log li:last-child').textContent.endsWith('{words}')"
            await listener.until(said)
            await speaker.until(said)
        for browser in (ada, bob):
            # Names of windows that were closed a moment ago may still be there.
            here = await browser.look("document.getElementById('people').textContent")
            assert {"Ada", "Bob"} <= set(here.removeprefix("Here: ").split(", "))
        if "ASYNCFLASK_SCREENSHOTS" in os.environ:
            await ada.screenshot(tmp_path / "ada.png")
            await bob.screenshot(tmp_path / "bob.png")
