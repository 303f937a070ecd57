"""The pages on sessions, limits, caches and jobs: their blocks pass, with a real Redis.

Each block is a test module. The extensions import ``flask``, so the modules run in a process where
that is the facade. The workers are started by the commands that the pages show.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.services import redis

from .documents import AUTO, BLOCK, PROJECT, QUIET

EXTENSIONS = [f"docs/how-to/use-flask-{name}.md" for name in ("session", "limiter", "caching")]
JOBS = [f"docs/how-to/use-{name}.md" for name in ("celery", "taskiq", "arq")]
PAGES = [*EXTENSIONS, *JOBS]
#: Seconds in which a worker has to end.
END = 30
TEST = re.compile(r"^(async )?def test_", re.MULTILINE)
WORKER = re.compile(r"^\$ ((?:celery|taskiq|arq) .*)$", re.MULTILINE)


def text(page):
    """Return a page's text."""
    return (PROJECT / page).read_text()


def modules(page):
    """Return a page's Python by files: the files that it names, and each block with tests."""
    blocks = BLOCK.findall(text(page))
    found = [(name, code) for name, language, code in blocks if language == "python"]
    prefix = Path(page).stem.replace("-", "_")
    return {name or f"test_{prefix}_{n}.py": code for n, (name, code) in enumerate(found)}


@pytest.fixture(scope="module")
def environ(tmp_path_factory):
    """The environment of the pages' programs, with a Redis that has started."""
    server = redis(tmp_path_factory.mktemp("redis"))
    server.start()
    unset = ("PYTEST", "ASYNCFLASK_TEST_TRANSPORT")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unset)}
    yield {**kept, "REDIS_URL": server.url}
    server.kill()


@contextmanager
def worker(command, folder, environ):
    """Run a page's command meanwhile, with what it starts; on failure its output is in a file.

    It waits for jobs when it is told to end, and has to end then.
    """
    program, *arguments = shlex.split(command)
    path = Path(sys.executable).with_name(program)
    with open(folder / f"{program}.log", "wb") as log:
        process = subprocess.Popen(
            [path, *arguments],
            cwd=folder,
            env=environ,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield
        process.terminate()
        process.wait(END)
    finally:
        with suppress(ProcessLookupError):  # None is left.
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def run(pages, folder, environ, run_pytest):
    """Run the blocks of pages, with the pages' workers."""
    for page in pages:
        for name, code in modules(page).items():
            (folder / name).write_text(code)
    with ExitStack() as stack:
        for page in pages:
            for command in WORKER.findall(text(page)):
                stack.enter_context(worker(command, folder, environ))
        options = (*QUIET, *AUTO, "-W", "error")
        plugin = "asyncflask.flask.pytest_plugin"
        url = environ["REDIS_URL"]
        done = run_pytest(*options, cwd=folder, plugin=plugin, REDIS_URL=url)
    logs = "".join(path.read_text() for path in folder.glob("*.log"))
    assert done.returncode == 0, done.stdout + logs


@pytest.mark.timeout(120)
def test_extensions_work_as_shown(tmp_path, environ, run_pytest):
    run(EXTENSIONS, tmp_path, environ, run_pytest)


@pytest.mark.timeout(120)
def test_workers_do_the_jobs_as_shown(tmp_path, environ, run_pytest):
    run(JOBS, tmp_path, environ, run_pytest)


@pytest.mark.parametrize("page", PAGES)
def test_each_block_has_a_test(page):
    codes = {name: code for name, code in modules(page).items() if name.startswith("test_")}

    assert len(codes) > 1
    assert not [name for name, code in codes.items() if not TEST.search(code)]


@pytest.mark.parametrize("page", JOBS)
def test_a_page_on_jobs_shows_its_worker(page):
    assert WORKER.findall(text(page))
