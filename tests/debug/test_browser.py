"""The debugger as a developer uses it: in a real browser, over the embedded server."""

from __future__ import annotations

import asyncio

import pytest

import asyncflask
from asyncflask.server import listen, serve

from .browser import Browser, needs_browser

PIN = "123-456-789"
pytestmark = needs_browser


@pytest.fixture
async def url(app):
    listener = listen("127.0.0.1", 0)
    stop = asyncio.Event()
    ready = asyncio.Event()
    port = listener.getsockname()[1]
    serving = asyncio.create_task(serve(app, [listener], stop=stop, ready=ready.set))
    await ready.wait()
    yield f"http://127.0.0.1:{port}"
    stop.set()
    await serving


@pytest.fixture
async def browser(tmp_path):
    async with Browser(tmp_path) as browser:
        yield browser


@pytest.fixture(params=["async", "def"])
def view(request, app):
    """The name of a view of each kind that fails at ``/basket``."""
    if request.param == "async":

        @app.get("/basket")
        async def count_async():
            items = ["tea", "cups"]
            return str(items[2])

        return "count_async"

    @app.get("/basket")
    def count_def():
        items = ["tea", "cups"]
        return str(items[2])

    return "count_def"


async def open_console(browser, function):
    """Click on a frame's icon, give the PIN; return where the console's output is, in script."""
    frame = (
        "[...document.querySelectorAll('.frame')]"
        f".find(frame => frame.querySelector('.function').textContent === '{function}')"
    )
    await browser.look(f"{frame}.querySelector('pre.current img').click()")
    prompt = "document.querySelector('.pin-prompt').style"
    await browser.until(f"{prompt}.opacity >= 1")  # It comes and goes slowly.
    assert await browser.look("document.activeElement.name") == "pin"
    await browser.type(PIN)
    await browser.until(f"EVALEX_TRUSTED && {prompt}.display === 'none'")
    await browser.look(f"{frame}.parentNode.querySelector('.console input').focus()")
    return f"{frame}.parentNode.querySelector('.console .output')"


async def test_a_console_opens_in_a_frame_after_the_pin(browser, url, view, tmp_path):
    await browser.open(f"{url}/basket?page=2")
    assert await browser.look("document.querySelector('h1').textContent") == "IndexError"
    assert await browser.look("getComputedStyle(document.querySelector('.debugger')).width")

    output = await open_console(browser, view)
    for number, code in enumerate(
        ["len(items) * 21", "from asyncflask import request; request.args['page']"], 1
    ):
        await browser.type(code)
        await browser.until(f"{output}.childElementCount === {number}")
        await browser.until("document.activeElement.value === ''")

    shown = await browser.look(f"{output}.innerText")
    assert "42" in shown.splitlines()
    assert "'2'" in shown
    await browser.look(f"{output}.scrollIntoView({{block: 'center'}})")
    await browser.screenshot(tmp_path / "console.png")
    assert (tmp_path / "console.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("api", [asyncflask])
async def test_await_works_in_the_console_of_the_log(app, browser, url, caplog):
    async def fail(price):
        raise ValueError(price)

    app.get("/")(lambda: app.add_background_task(fail, 3) or "started")
    await browser.open(url)
    while "Open the frames" not in caplog.text:
        await asyncio.sleep(0.01)
    link = next(m.rpartition(" ")[2] for m in caplog.messages if "Open the frames" in m)
    await browser.open(link)
    output = await open_console(browser, "fail")
    await browser.type("import asyncio; await asyncio.sleep(0, price + 39)")

    await browser.until(f"{output}.innerText.includes('42')")
