"""The tutorial, followed to the letter: its files, commands and outputs, chapter by chapter."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.debug import browser
from tests.debug.browser import Browser
from tests.services import Server, find, postgresql, redis

from .tutorial import CHAPTERS, Reader, is_like, steps

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the commands are typed into bash"),
    pytest.mark.timeout(600),
]
DEPLOYMENT = CHAPTERS[-1]
#: the page's script has run, and its websocket is open
CONNECTED = "typeof socket !== 'undefined' && socket.readyState === 1"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """The reader of all tests here, who goes on where the test before has ended."""
    find("curl")
    reader = Reader(tmp_path_factory.mktemp("kitchen"))
    yield reader
    reader.close()


@contextmanager
def started(make: Callable[[Path], Server]) -> Iterator[str]:
    """Start a server of the system in a folder of its own; yield its URL."""
    with tempfile.TemporaryDirectory(prefix="asyncflask-tutorial-") as folder:
        server = make(Path(folder))
        server.start()
        try:
            yield server.url
        finally:
            server.kill()


@pytest.fixture(scope="module")
def deployed(reader: Reader) -> Iterator[Reader]:
    """The reader at the end of the tutorial: hypercorn serves the cookbook, with Redis."""
    with started(redis) as url:
        reader.services["redis://127.0.0.1:6379"] = url
        reader.follow(DEPLOYMENT)
        yield reader
        reader.close()


@pytest.fixture(params=["hypercorn, SQLite, Redis", "embedded server, PostgreSQL"])
def served(request: pytest.FixtureRequest, deployed: Reader) -> Iterator[Reader]:
    """The finished app in two workers, in both ways that the last chapter has."""
    if request.param.startswith("hypercorn"):
        yield deployed
        return
    with started(postgresql) as url:
        database = url.replace("postgresql://", "postgresql+asyncpg://")
        deployed.type(f"export FLASK_DATABASE_URL={database}")
        deployed.type(f"export FLASK_CHANNELS_URL={url}")
        deployed.type("asyncflask --app cookbook init-db", "The tables are ready.")
        deployed.type("asyncflask --app cookbook run --port 8000 --workers 2")
        yield deployed
        deployed.close()


@pytest.mark.parametrize("chapter", CHAPTERS[:-1])
def test_a_chapter_does_what_it_says(chapter: str, reader: Reader) -> None:
    reader.follow(chapter)

    assert reader.followed[-1] == chapter


def test_the_finished_app_is_served_by_two_workers(deployed: Reader) -> None:
    assert deployed.followed == CHAPTERS


@pytest.mark.skipif(
    browser.find() is None and "ASYNCFLASK_CI" not in os.environ, reason="no Chromium is installed"
)
async def test_a_note_appears_in_the_windows_of_others(served: Reader, tmp_path: Path) -> None:
    for name in ("ann", "bob"):
        tmp_path.joinpath(name).mkdir()
    async with Browser(tmp_path / "ann") as ann, Browser(tmp_path / "bob") as bob:
        await ann.open(f"{served.url}/account/register")
        await send(ann, name="Ann", password="parsley-7")
        await ann.until("document.title.startsWith('Log in')")
        await send(ann, name="Ann", password="parsley-7")
        await ann.until("document.title.startsWith('Recipes')")
        await ann.open(f"{served.url}/recipes/new")
        await send(ann, title="Soup", ingredients="Lentils", steps="Wait.")
        await ann.until(f"document.title.startsWith('Soup') && {CONNECTED}")
        await bob.open(served.url + str(await ann.look("location.pathname")))
        await bob.until(CONNECTED)
        await ann.look("form.text.focus()")
        await ann.type("No salt!")

        for window in (ann, bob):
            await window.until("list.innerText === 'No salt! (Ann)'")
        assert await bob.look("form") is None
        await ann.look("document.querySelector('main form').requestSubmit()")  # delete
        await ann.until("document.title.startsWith('Recipes')")
        assert "Soup is deleted." in str(await ann.look("document.body.innerText"))


async def send(window: Browser, **fields: str) -> None:
    """Fill in the page's form, and send it."""
    for name, text in fields.items():
        await window.look(f"document.querySelector('main [name={name}]').value = '{text}'")
    await window.look("document.querySelector('main form').requestSubmit()")


def test_the_wheel_has_the_whole_package(deployed: Reader, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=deployed.folder,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("cookbook-1.0-*.whl")

    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("cookbook/")}
    written = {step.name for chapter in CHAPTERS for step in steps(chapter)}
    assert packed == {name for name in written if name.startswith("cookbook/")}


def test_the_code_is_formatted(tmp_path: Path) -> None:
    """After each chapter, because the next one may replace a file."""
    for chapter in CHAPTERS:
        for step in steps(chapter):
            if step.language == "python":
                path = tmp_path / step.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(step.text)
        for command in (["check", "--select", "E,F,W,I,B,UP"], ["format", "--check"]):
            done = subprocess.run(
                [sys.executable, "-m", "ruff", *command, "--isolated", "--line-length", "100", "."],
                cwd=tmp_path,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_folder_is_shown_as_it_is(chapter: str) -> None:
    """The trees of files have the files that were written up to the end of the chapter."""
    read = CHAPTERS[: CHAPTERS.index(chapter) + 1]
    written = {Path(step.name).name for each in read for step in steps(each) if step.name}
    shown = {
        name
        for step in steps(chapter)
        if step.language == "text"
        for name in re.findall(r"── ([\w.]+\.\w+)", step.text)
    }

    assert shown <= written


def test_an_output_is_compared() -> None:
    shown = "…\n===== 2 passed in 1.20s =====\n"

    assert is_like(shown, "a\nb\n======= 2 passed in 10.71s =======\n")
    assert not is_like(shown, "===== 1 failed, 2 passed in 1.20s =====\n")
    assert not is_like("Tea.\n", "Tea. (a warning)\n")
