"""A headless Chromium, driven through its DevTools protocol: pages, a keyboard, screenshots."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import shutil
import subprocess

import pytest
import websockets

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 20  # seconds, for every wait
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--no-proxy-server", "--disable-dev-shm-usage", "--window-size=1000,900"),
    "--remote-debugging-port=0",
)
KEYS = {"Enter": (13, "\r"), "Tab": (9, "")}


def find():
    """Return the browser's command, or ``None``."""
    return next(filter(None, map(shutil.which, NAMES)), None)


#: For tests with a browser. In CI a missing browser is a failure: .ci/run installs one.
needs_browser = pytest.mark.skipif(
    find() is None and "ASYNCFLASK_CI" not in os.environ, reason="no Chromium is installed"
)


class Page:
    """One page of a browser.

    Attributes:
        problems: What the console shows as an error or a warning, and uncaught exceptions.
        urls: The addresses that the page has requested.
    """

    def __init__(self):
        self.problems = []
        self.urls = []
        self._links = None  # the browser's connection, to which all of its pages belong
        self._session = None

    async def _attach(self, links, target):
        self._links = links
        attached = await links.call(None, "Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        links.pages[self._session] = self
        for domain in ("Runtime", "Log", "Network"):
            await self._call(f"{domain}.enable")

    async def _call(self, method, **params):
        return await self._links.call(self._session, method, **params)

    def _note(self, event, params):
        if event == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.problems.append([value.get("value") for value in params["args"]])
        elif event == "Runtime.exceptionThrown":
            self.problems.append(params["exceptionDetails"])
        elif event == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.problems.append(params["entry"])
        elif event == "Network.requestWillBeSent":
            self.urls.append(params["request"]["url"])
        elif event == "Network.webSocketCreated":
            self.urls.append(params["url"])

    async def open(self, url):
        await self.look("window.isLeft = true")
        await self._call("Page.navigate", url=url)
        await self.until(
            "!window.isLeft && document.readyState === 'complete'"
            " && location.href !== 'about:blank'"
        )

    async def look(self, script):
        """Return the value of a JavaScript expression."""
        answer = await self._call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, script):
        async with asyncio.timeout(PATIENCE):
            while not await self.look(script):
                await asyncio.sleep(0.02)

    async def write(self, text):
        """Type a text into the focused element."""
        await self._call("Input.insertText", text=text)

    async def type(self, text):
        """Type a text and Enter into the focused element."""
        await self.write(text)
        await self.press("Enter")

    async def press(self, key):
        """Press and release a key of :data:`KEYS`."""
        code, text = KEYS[key]
        event = {"key": key, "code": key, "windowsVirtualKeyCode": code, "text": text}
        await self._call("Input.dispatchKeyEvent", type="keyDown", **event)
        await self._call("Input.dispatchKeyEvent", type="keyUp", **event)

    async def fill(self, **texts):
        """Write texts into fields, each by its name."""
        for name, text in texts.items():
            await self.look(f"document.querySelector('[name={name}]').select()")
            await self.write(text)

    async def choose(self, selector, *files):
        """Choose files in a field for uploads."""
        field = await self._call(
            "Runtime.evaluate", expression=f"document.querySelector({selector!r})"
        )
        paths = [str(file) for file in files]
        number = field["result"]["objectId"]
        await self._call("DOM.setFileInputFiles", files=paths, objectId=number)

    async def resize(self, width, height=800, scheme="light"):
        """Set the window's size, and the colour scheme that the user prefers."""
        await self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self._call("Emulation.setEmulatedMedia", features=features)

    async def slow_down(self, speed):
        """Send at most this many bytes a second; -1 for as many as can be."""
        conditions = {"offline": False, "latency": 0, "downloadThroughput": -1}
        await self._call("Network.emulateNetworkConditions", **conditions, uploadThroughput=speed)

    async def forget(self):
        """Delete all cookies."""
        await self._call("Network.clearBrowserCookies")

    async def close(self):
        """Close the window; not for the browser's first page."""
        await self._call("Page.close")

    async def screenshot(self, path):
        picture = await self._call("Page.captureScreenshot")
        path.write_bytes(base64.b64decode(picture["data"]))


class Browser(Page):
    """A browser with an empty profile, and its first page.

    Args:
        folder: An empty folder for the profile.
    """

    def __init__(self, folder):
        super().__init__()
        self._profile = folder / "profile"

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
            socket = await websockets.connect(
                f"ws://127.0.0.1:{port}{path}", max_size=None, proxy=None
            )
            links = Links(socket)
            pages = await links.call(None, "Target.getTargets")
            page = next(p for p in pages["targetInfos"] if p["type"] == "page")
            await self._attach(links, page["targetId"])
        except BaseException:
            self._end()
            raise
        return self

    async def __aexit__(self, *exc_info):
        try:
            await self._links.socket.close()
        finally:
            self._end()

    async def new_page(self):
        """Open a second window, with the same cookies."""
        target = await self._links.call(
            None, "Target.createTarget", url="about:blank", newWindow=True
        )
        page = Page()
        await page._attach(self._links, target["targetId"])
        return page

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


class Links:
    """The connection to a browser: calls, one at a time, and the events of its pages."""

    def __init__(self, socket):
        self.socket = socket
        self.pages = {}
        self._numbers = itertools.count(1)

    async def call(self, session, method, **params):
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        await self.socket.send(json.dumps(message))
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = json.loads(await self.socket.recv())
                if answer.get("id") == number:
                    break
                page = self.pages.get(answer.get("sessionId"))
                if page is not None and "method" in answer:
                    page._note(answer["method"], answer["params"])
        assert "error" not in answer, answer
        return answer["result"]
