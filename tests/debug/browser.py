"""A headless Chromium, driven through its DevTools protocol: one page, a keyboard, a screenshot."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import shutil
import subprocess

import websockets

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 20  # seconds, for every wait
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--no-proxy-server", "--disable-dev-shm-usage", "--window-size=1000,900"),
    "--remote-debugging-port=0",
)


def find():
    """Return the browser's command, or ``None``."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page of a browser with an empty profile.

    Args:
        folder: An empty folder for the profile.
    """

    def __init__(self, folder):
        self._profile = folder / "profile"
        self._numbers = itertools.count(1)

    async def __aenter__(self):
        environ = {**os.environ, "HOME": str(self._profile.parent)}
        self._process = subprocess.Popen(
            [find(), *FLAGS, f"--user-data-dir={self._profile}", "about:blank"],
            env=environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            port, path = await self._listening()
            self._socket = await websockets.connect(
                f"ws://127.0.0.1:{port}{path}", max_size=None, proxy=None
            )
            self._session = None
            pages = await self._call("Target.getTargets")
            page = next(p for p in pages["targetInfos"] if p["type"] == "page")
            attached = await self._call(
                "Target.attachToTarget", targetId=page["targetId"], flatten=True
            )
            self._session = attached["sessionId"]
        except BaseException:
            self._end()
            raise
        return self

    async def __aexit__(self, *exc_info):
        try:
            await self._socket.close()
        finally:
            self._end()

    def _end(self):
        self._process.kill()
        self._process.wait()

    async def _listening(self):
        """Return the port and the path that the browser has written into its profile."""
        file = self._profile / "DevToolsActivePort"
        async with asyncio.timeout(PATIENCE):
            while not file.exists() or file.read_text().count("\n") < 1:
                assert self._process.poll() is None, "the browser has ended"
                await asyncio.sleep(0.02)
        return file.read_text().split("\n")

    async def _call(self, method, **params):
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        await self._socket.send(json.dumps(message))
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = json.loads(await self._socket.recv())
                if answer.get("id") == number:
                    break
        assert "error" not in answer, answer
        return answer["result"]

    async def open(self, url):
        await self._call("Page.navigate", url=url)
        await self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    async def look(self, script):
        """Return the value of a JavaScript expression."""
        answer = await self._call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, script):
        async with asyncio.timeout(PATIENCE):
            while not await self.look(script):
                await asyncio.sleep(0.02)

    async def type(self, text):
        """Type a text and Enter into the focused element."""
        await self._call("Input.insertText", text=text)
        enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        await self._call("Input.dispatchKeyEvent", type="keyDown", **enter)
        await self._call("Input.dispatchKeyEvent", type="keyUp", **enter)

    async def screenshot(self, path):
        picture = await self._call("Page.captureScreenshot")
        path.write_bytes(base64.b64decode(picture["data"]))
