"""The tutorial as a reader follows it: files are written and commands typed, in the pages' order.

What prepares the reader's machine (a folder, an environment, ``pip``) is not typed: the tests have
an environment already. In an expected output ``…`` is any text, and pytest's time is any time.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ENVIRONMENT, Program
from tests.services import free_port

from .documents import BLOCK, PROJECT

CHAPTERS = sorted(str(p.relative_to(PROJECT)) for p in PROJECT.glob("docs/tutorial/[0-9]*.md"))
PREPARATION = re.compile(r"(mkdir|cd|python3 -m venv|source|pip) ")
ADDRESS = re.compile(r"http://127\.0\.0\.1:(5000|8000)")
SERVER = re.compile(r"\basyncflask .*\brun\b|^hypercorn ")
COMMAND_TIMEOUT = 120
#: what the developer's own environment must not change
UNSET = ("FLASK_", "ASYNCFLASK_", "PYTEST_", "COV_", "PYTHONPATH")


@dataclass
class Step:
    """One block of a chapter: a file to write, or commands with their outputs."""

    name: str
    language: str
    text: str

    def commands(self) -> list[tuple[str, str]]:
        """Return the commands of a ``console`` block with their outputs."""
        entries = re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]
        return [(command, output) for command, _, output in (e.partition("\n") for e in entries)]


def steps(chapter: str) -> list[Step]:
    """Return the blocks of a chapter, in order."""
    return [Step(*found) for found in BLOCK.findall((PROJECT / chapter).read_text())]


def is_like(expected: str, actual: str) -> bool:
    """Return whether an output is the expected one."""
    pattern = re.escape(_without_times(expected)).replace("…", "(?s:.*)")
    return re.fullmatch(pattern, _without_times(actual)) is not None


def _without_times(output: str) -> str:
    """Return an output without the time that pytest took, and the line that fills the rest."""
    return re.sub(r"={5,}", "=", re.sub(r"\b\d+\.\d+s\b", "0s", output)).strip()


class Reader:
    """A reader with a folder and a terminal, who has followed some chapters.

    Args:
        folder: Where files are written and commands typed.

    Attributes:
        services: What the pages' addresses of other servers are here.
        followed: The chapters that are done.
        url: The address of the running app.
    """

    def __init__(self, folder: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(UNSET)}
        own = {
            "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]),
            "COLUMNS": "80",
            # The plugins of the reader's environment, and no other.
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_ADDOPTS": "-W error -p no:cacheprovider -p asyncio -p pytest_asyncflask",
        }
        self.folder = folder
        self.services: dict[str, str] = {}
        self.followed: list[str] = []
        self.url = ""
        self._environ = {**kept, **ENVIRONMENT, **own}
        self._server: Program | None = None
        self._serving = ""
        self._is_stale = False  # a file is newer than the running app

    def follow(self, chapter: str) -> None:
        """Follow a chapter; those before it first, if the reader has not done so yet."""
        for each in CHAPTERS[len(self.followed) : CHAPTERS.index(chapter) + 1]:
            for step in steps(each):
                self._take(step)
            self.followed.append(each)

    def _take(self, step: Step) -> None:
        if step.name:
            path = self.folder / step.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text)
            self._is_stale = True
        elif step.language == "console":
            for command, output in step.commands():
                self.type(command, output)

    def type(self, command: str, expected: str = "") -> None:
        """Type a command, and compare its output; one that starts a server goes on running."""
        if PREPARATION.match(command):
            assert not expected, f"the output of `{command}` is not checked"
            return
        for there, here in self.services.items():
            command = command.replace(there, here)
        if command.startswith("export "):
            name = command.split("=")[0].split()[-1]
            self._environ[name] = self._output(f"{command}; printenv {name}").strip()
            actual = ""
        elif SERVER.search(command):
            actual = self._serve(command)
        else:
            if self._is_stale and ADDRESS.search(command):
                self._serve(self._serving)
            actual = self._output(ADDRESS.sub(self.url, command))
        if expected or not SERVER.search(command):
            assert is_like(expected, actual), f"$ {command}\n{actual}\n-- expected:\n{expected}"

    def _output(self, command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if "curl" in command else subprocess.STDOUT,
            text=True,
            timeout=COMMAND_TIMEOUT,
        )
        return done.stdout

    def _serve(self, command: str) -> str:
        """Start a server in the place of the running one; return what it writes until it serves."""
        self.close()
        port = str(free_port())
        here = re.sub(r"\b8000\b", port, command)
        process = subprocess.Popen(
            ["bash", "-c", f"exec env {here}"],
            cwd=self.folder,
            env={**self._environ, "ASYNCFLASK_RUN_PORT": port},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._server, self._serving, self._is_stale = Program(process), command, False
        self.url = f"http://127.0.0.1:{port}"
        return self._written_until_it_serves().replace(port, "5000")

    def _written_until_it_serves(self) -> str:
        assert self._server is not None
        written = ""
        end = time.monotonic() + COMMAND_TIMEOUT
        while "Running on" not in written:
            line = self._server.output.line(end - time.monotonic())
            assert line, f"`{self._serving}` has ended: {written}"
            written += line
        return written

    def close(self) -> None:
        """Stop the running app."""
        if self._server is not None:
            self._server.kill()
            self._server = None
