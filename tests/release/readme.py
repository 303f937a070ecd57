"""Follow the README to the letter: its files are written and its commands run, in their order."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

#: ``Write `app.py`:`` names the file of the next block.
BLOCK = re.compile(r"(?:`([\w.]+)`:\n\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = ("127.0.0.1", 5000)
#: Commands that serve until they are ended.
SERVES = re.compile(r"make demo|python app\.py|\S*asyncflask .*\brun\b")
PATIENCE = 300.0  # seconds: `make demo` and `pip install` may download


class Failed(Exception):
    """A command of the README did not do what the README says."""


class Follower:
    """Runs the blocks of a README in a folder, with an environment's programs first in PATH.

    Args:
        folder: Where the commands run.
        programs: A folder with ``python`` and ``pip``.
        serves: Matches the commands that serve until they are ended.
    """

    def __init__(self, folder: Path, programs: Path, serves: re.Pattern[str] = SERVES) -> None:
        self.folder = folder
        self.serves = serves
        self.server: subprocess.Popen[str] | None = None
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        self.environment = {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"}
        self.environment.pop("PYTHONPATH", None)

    def follow(self, text: str) -> Iterator[str]:
        """Run all blocks, and yield each command with what came of it.

        Args:
            text: The README.

        Raises:
            Failed: A command failed, or its output is another.
        """
        try:
            for name, language, code in BLOCK.findall(text):
                if language == "python" and name:
                    (self.folder / name).write_text(code, encoding="utf-8")
                    yield f"{name}: written"
                elif language == "console":
                    yield from self._run_block(code)
        finally:
            self._end_server()

    def _run_block(self, code: str) -> Iterator[str]:
        if "redis://" in code and shutil.which("redis-server") is None:
            yield "left out, because there is no redis-server: " + code.splitlines()[-1]
            return
        for entry in re.split(r"^\$ ", code, flags=re.MULTILINE)[1:]:
            command, _, output = entry.partition("\n")
            if self.serves.search(command):
                self._end_server()
                self._start_server(command)
                yield f"{command}: serves"
            else:
                self._run(command, output)
                yield f"{command}: done"

    def _run(self, command: str, expected: str) -> None:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode:
            raise Failed(f"{command!r} ended with {done.returncode}: {done.stdout}{done.stderr}")
        if expected and done.stdout.rstrip("\n") != expected.rstrip("\n"):
            raise Failed(f"{command!r} printed {done.stdout!r}; the README has {expected!r}")

    def _start_server(self, command: str) -> None:
        if _answers():
            raise Failed(
                f"{command!r} needs port {ADDRESS[1]}, at which a program listens. End it."
            )
        self.server = subprocess.Popen(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        end = time.monotonic() + PATIENCE
        while not _answers():
            if self.server.poll() is not None:
                raise Failed(f"{command!r} ended with {self.server.returncode}.")
            if time.monotonic() > end:
                raise Failed(f"{command!r} does not listen at port {ADDRESS[1]}.")
            time.sleep(0.2)

    def _end_server(self) -> None:
        if self.server is None:
            return
        os.killpg(self.server.pid, signal.SIGTERM)
        self.server.wait(PATIENCE)
        self.server = None
        end = time.monotonic() + PATIENCE
        while _answers() and time.monotonic() < end:
            time.sleep(0.2)


def _answers() -> bool:
    with socket.socket() as client:
        return client.connect_ex(ADDRESS) == 0
