"""The pages of the examples in a browser: one browser, and one server for what the demo has.

``ASYNCFLASK_SCREENSHOTS=folder`` keeps a picture of each page, at each width.
"""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from asyncflask.server import Config, listen, serve
from examples import create_app, dashboard
from tests.debug.browser import Browser, needs_browser

from .conftest import PASSWORD
from .serving import example, served

pytestmark = [needs_browser, pytest.mark.asyncio(loop_scope="module")]

#: Pages of the demo that a visitor sees without an account.
DEMO = [
    *("/", "/?page=2", "/posts/1", "/users/Nora", "/login", "/register"),
    *("/chat/", "/chat/lounge", "/dashboard/", "/upload/"),
]
MISSING = [name for name in ("flask_smorest", "flask_login", "flask_wtf") if not find_spec(name)]
needs_extensions = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {MISSING}")
NARROW, WIDE = 375, 1280


@asynccontextmanager
async def serving(app, listener=None):
    """Serve an app in this process; give its address."""
    listener = listener or listen("127.0.0.1", 0)
    stop, ready = asyncio.Event(), asyncio.Event()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    task = asyncio.create_task(serve(app, [listener], Config(grace=1), stop=stop, ready=ready.set))
    await ready.wait()
    try:
        yield url
    finally:
        app.stopping.set()
        stop.set()
        await task


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def started(tmp_path_factory):
    async with Browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(scope="module")
def instance(tmp_path_factory):
    """The folder of the demo's files."""
    return tmp_path_factory.mktemp("demo")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(instance):
    """The address of what ``make demo`` serves."""
    app = create_app(instance_path=str(instance))
    async with serving(app) as url:
        yield url


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with example("api", tmp_path_factory.mktemp("api")) as url:
        yield url


@pytest.fixture(scope="module")
def extensions(tmp_path_factory):
    with example("extensions", tmp_path_factory.mktemp("extensions")) as url:
        yield url


@pytest.fixture(scope="module")
def notes(tmp_path_factory):
    database = tmp_path_factory.mktemp("notes") / "notes.sqlite"
    command = ["-m", "examples.migration", "4", "--port", "0"]
    with served(*command, NOTES_DATABASE=str(database)) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="module")
async def browser(started):
    """The browser without cookies. Afterwards, its pages must have had no problem."""
    await started.forget()
    await started.resize(WIDE)
    started.problems.clear()
    started.urls.clear()
    yield started
    assert started.problems == []


async def register(browser, url, name):
    await browser.open(f"{url}/register")
    await browser.fill(name=name, email=f"{name.lower()}@example.org", password=PASSWORD)
    await browser.press("Enter")
    await browser.until("document.querySelector('.me')?.textContent")


async def click(page, selector):
    """Click as a user does: the element gets the focus as well."""
    await page.look(f"(e => {{ e.focus(); e.click() }})(document.querySelector({selector!r}))")


async def check(browser, url):
    """Check that a page fits into each width, and calls no other site."""
    for width, scheme in ((NARROW, "dark"), (WIDE, "light")):
        await browser.resize(width, scheme=scheme)
        await browser.open(url)
        overflow = await browser.look(f"document.documentElement.scrollWidth - {width}")
        assert overflow <= 0, f"{url} is {overflow} pixels too wide for {width}"
        if "ASYNCFLASK_SCREENSHOTS" in os.environ:
            title = await browser.look("document.title")
            name = re.sub(r"\W+", "-", f"{title} {urlsplit(url).path} ")
            path = Path(os.environ["ASYNCFLASK_SCREENSHOTS"]) / f"{name}{width}.png"
            await browser.screenshot(path)
    hosts = {urlsplit(each).netloc for each in browser.urls if not each.startswith("data:")}
    assert hosts == {urlsplit(url).netloc}


async def check_focus(browser):
    """Go through a page's controls with the Tab key: each of them shows that it has the focus."""
    seen = []
    for _ in range(40):
        await browser.press("Tab")
        element = await browser.look(
            "(e => e === document.body ? null : [e.outerHTML, getComputedStyle(e).outlineStyle,"
            " parseFloat(getComputedStyle(e).outlineWidth)])(document.activeElement)"
        )
        if element is None or element[0] in [html for html, _, _ in seen]:
            break
        seen.append(element)
    assert seen
    assert not [html for html, style, width in seen if style == "none" or width < 1]


@pytest.mark.parametrize("path", DEMO)
async def test_a_page_of_the_demo_fits_and_shows_the_focus(browser, demo, path):
    await check(browser, demo + path)
    await check_focus(browser)


@needs_extensions
async def test_the_page_of_the_api_fits_and_shows_the_focus(browser, api):
    await check(browser, f"{api}/")
    await browser.until("document.querySelectorAll('.operation').length === 5")
    await check_focus(browser)


@needs_extensions
async def test_the_pages_with_extensions_fit_and_show_the_focus(browser, extensions):
    await check(browser, f"{extensions}/login")
    await check_focus(browser)


async def test_the_page_of_the_migration_fits_and_shows_the_focus(browser, notes):
    await check(browser, f"{notes}/")
    await check_focus(browser)


async def test_who_registers_is_logged_in_and_writes_a_post(browser, demo):
    await register(browser, demo, "Grace")
    welcome = await browser.look("document.querySelector('.flash').textContent")
    assert welcome == "Welcome, Grace! You are logged in."

    await browser.open(f"{demo}/posts/new")
    await browser.until("document.activeElement.name === 'title'")  # A busy browser does it late.
    await browser.fill(title="W" * 100, body="m" * 2000)
    await click(browser, "main button")
    await browser.until("location.pathname.match(/posts.[0-9]+$/)")
    post = await browser.look("location.href")

    for url in (post, f"{demo}/", f"{demo}/users/Grace", f"{demo}/profile", f"{post}/edit"):
        await check(browser, url)


async def test_two_windows_talk(browser, demo):
    await register(browser, demo, "Ida")
    await browser.open(f"{demo}/chat/lounge")
    second = await browser.new_page()
    await second.open(await browser.look("document.querySelector('main a[target=_blank]').href"))
    for page in (browser, second):
        await page.until("names.length === 2 && names.toSorted().join() === 'Guest,Ida'")
        assert await page.look("document.activeElement.id") == "text"

    for speaker, listener, name in ((browser, second, "Ida"), (second, browser, "Guest")):
        words = f"<b>{'Hello' * 60}</b>"
        await speaker.write(words)
        await click(speaker, "#say button")
        await listener.until(
            f"document.querySelector('#log li:last-child').textContent === '{name}{words}'"
        )
        assert await speaker.look("document.activeElement.id") == "text"
    await browser.resize(NARROW)
    assert await browser.look(f"document.documentElement.scrollWidth <= {NARROW}")
    assert second.problems == []
    await second.close()


async def test_the_dashboard_goes_on_after_a_restart_of_the_server(started):
    listener = listen("127.0.0.1", 0)
    figures = "document.querySelector('[data-metric=pages] span').textContent"
    async with serving(dashboard.create_app({"INTERVAL": 0.05}), listener.dup()) as url:
        await started.open(url)
        await started.until(f"{figures} === '1'")
        await started.look("document.getElementById('work').click()")
        requests = "document.querySelector('[data-metric=requests] span').textContent"
        await started.until(f"Number({requests}) > 0")
        assert await started.look("document.getElementById('state').textContent") == "Live"
        before = await started.look("samples.length")
    await started.until("!document.getElementById('state').classList.contains('live')")

    async with serving(dashboard.create_app({"INTERVAL": 0.05}), listener):
        await started.until(f"samples.length > {before} || samples.length === 60")
        await started.until("document.getElementById('state').classList.contains('live')")
        assert await started.look(
            "samples.every((sample, i) => !i || sample.time > samples[i - 1].time)"
        )
        await started.look("source.close()")


async def test_an_upload_shows_its_progress_and_its_errors(browser, demo, tmp_path):
    small, large = tmp_path / "a small & <b>.bin", tmp_path / "large.bin"
    small.write_bytes(bytes(3_000_000))
    with large.open("wb") as file:
        file.truncate(201_000_000)
    await browser.open(f"{demo}/upload/")
    await browser.look(
        "window.seen = []; new MutationObserver(() => seen.push(state.textContent))"
        ".observe(state, {childList: true})"
    )

    await browser.choose("#file", small)
    await click(browser, "#upload button")
    await browser.until("document.querySelector('#files td')?.textContent === 'a_small__b.bin'")
    assert await browser.look("state.textContent") == "a small & <b>.bin is there."
    assert await browser.look("seen.includes('3.0 MB of 3.0 MB')")
    assert await browser.look("bar.value") == 1

    await browser.choose("#file", large)
    await click(browser, "#upload button")
    error = "The file is too large: at most 200 MB are taken."
    await browser.until(f"state.textContent === '{error}'")
    (refused,) = browser.problems  # The console shows each response with an error status.
    assert "413" in refused["text"]
    browser.problems.clear()


async def test_an_upload_is_cancelled(browser, demo, instance, tmp_path):
    file = tmp_path / "film.mp4"
    file.write_bytes(bytes(3_000_000))
    await browser.open(f"{demo}/upload/")
    await browser.choose("#file", file)
    await browser.slow_down(300_000)
    await click(browser, "#upload button")
    await browser.until("bar.value > 0")
    await click(browser, "#cancel")
    await browser.slow_down(-1)

    await browser.until("state.textContent === 'Cancelled.'")
    assert await browser.look("running.hidden && cancel.hidden")
    async with asyncio.timeout(20):
        while list((instance / "uploads").glob(".*")):
            await asyncio.sleep(0.02)
    assert not (instance / "uploads" / "film.mp4").exists()


@needs_extensions
async def test_operations_of_the_api_are_tried_on_its_page(browser, api):
    await browser.open(f"{api}/")
    await browser.until("document.querySelectorAll('.operation').length === 5")
    shown = await browser.look("[...document.querySelectorAll('summary')].map(e => e.innerText)")
    assert "POST /books/ Add a book." in [" ".join(text.split()) for text in shown]

    await browser.look("document.querySelectorAll('.operation')[1].open = true")
    await click(browser, ".operation:nth-child(2) button")
    answer = "document.querySelector('.operation:nth-child(2) pre').textContent"
    await browser.until(f"{answer}.startsWith('201')")
    await browser.look("document.querySelector('.operation').open = true")
    await browser.look("document.querySelector('[name=sort]').value = 'year'")
    await click(browser, ".operation button")
    answer = "document.querySelector('.operation pre').textContent"
    await browser.until(f"{answer}.startsWith('200')")
    assert "Frankenstein" in await browser.look(answer)
    await browser.resize(NARROW)
    assert await browser.look(f"document.documentElement.scrollWidth <= {NARROW}")


@needs_extensions
async def test_wishes_get_their_prices(browser, extensions):
    await browser.open(extensions)
    await browser.fill(name="Ada", password=PASSWORD)
    await click(browser, "[name=register]")
    for number, wish in enumerate(("A tea pot", "W" * 100), 1):
        await browser.until("document.activeElement?.name === 'text'")
        await browser.type(wish)
        await browser.until(
            f"document.querySelectorAll('.titles li').length === {number}"
            f" && document.querySelector('.titles li:last-child').textContent === '{wish}'"
        )
    await check(browser, f"{extensions}/")
    await check(browser, f"{extensions}/prices")

    assert "2 prices in" in await browser.look("document.querySelector('.hint').textContent")


async def test_a_new_note_appears_in_the_other_window(browser, notes):
    await browser.open(notes)
    second = await browser.new_page()
    await second.open(notes)
    await browser.look("document.querySelector('input').focus()")
    await browser.type("<b>tea</b>")

    for page in (browser, second):
        await page.until("document.querySelector('#notes li')?.textContent === '<b>tea</b>'")
    assert second.problems == []
    await second.close()
