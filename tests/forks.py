"""Runs of pytest in processes of their own that need not start and import each time.

A :class:`Pytest` is a process that has run pytest with its plugins once, on no tests. Each run is a
copy of it (``os.fork``), which knows what was imported before, and nothing of the other runs.
Windows has no such copies: there each run is started as usual.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import NoReturn, Protocol

import pytest

CAN_FORK = hasattr(os, "fork")


class Run(Protocol):
    """What :func:`runner` yields."""

    def __call__(
        self,
        *arguments: str,
        cwd: Path,
        plugin: str = "",
        modules: tuple[str, ...] = (),
        timeout: float = 110,
        **variables: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run pytest, and wait for its end.

        Args:
            arguments: Of the command line.
            cwd: The folder in which it is run.
            plugin: One that is loaded first, as with ``-p``.
            modules: What is imported once for all runs that name the same.
            timeout: Seconds for the run.
            variables: What is set in its environment.
        """
        ...


@contextmanager
def runner(*plugins_of_packages: str) -> Iterator[Run]:
    """Yield a function that runs pytest; the processes end afterwards.

    Args:
        plugins_of_packages: The plugins of installed packages that are loaded. All others take
            seconds to import.
    """
    unset = ("PYTEST", "ASYNCFLASK_TEST_TRANSPORT")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unset)}
    kept["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    kept["PYTEST_PLUGINS"] = ",".join(plugins_of_packages)
    started: dict[tuple[str, ...], Pytest] = {}

    def run(
        *arguments: str,
        cwd: Path,
        plugin: str = "",
        modules: tuple[str, ...] = (),
        timeout: float = 110,
        **variables: str,
    ) -> subprocess.CompletedProcess[str]:
        plugins = ["-p", plugin] if plugin else []
        if not CAN_FORK:
            command = [sys.executable, "-m", "pytest", *plugins, *arguments]
            return subprocess.run(
                command,
                cwd=cwd,
                env={**kept, **variables},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=timeout,
            )
        key = (plugin, *modules)
        if key not in started:
            started[key] = Pytest(plugins, modules, kept)
        return started[key].run([*plugins, *arguments], cwd, variables, timeout)

    yield run
    for each in started.values():
        each.close()


class Pytest:
    """A process that has imported pytest, plugins and modules, and runs tests in copies of itself.

    Args:
        plugins: The options that load plugins.
        modules: What else is imported.
        environ: Its environment.
    """

    def __init__(
        self, plugins: list[str], modules: tuple[str, ...], environ: Mapping[str, str]
    ) -> None:
        # -P: the folder of this file is not where its modules are looked for.
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__, json.dumps([plugins, modules])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environ,
            start_new_session=True,
        )
        self._is_running = False

    def run(
        self, arguments: list[str], cwd: Path, variables: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run tests in a copy; return its status and output."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.NamedTemporaryFile("r", prefix="asyncflask-pytest-") as output:
            asked = [arguments, str(cwd), variables, output.name]
            print(json.dumps(asked), file=self._process.stdin, flush=True)
            self._is_running = True
            ready, _, _ = select.select([self._process.stdout], [], [], timeout)
            status = self._process.stdout.readline() if ready else ""
            written = output.read()
        assert status, f"pytest has not ended in {timeout} s: {written}"
        self._is_running = False
        return subprocess.CompletedProcess(arguments, int(status), written)

    def close(self) -> None:
        """End the process; at once if a copy is running."""
        if self._is_running:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


def main() -> None:
    """Import what is needed; then read runs from standard input, and write their statuses."""
    statuses = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    plugins, modules = json.loads(sys.argv[1])
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as empty:
        # Its plugins are imported in the way in which it rewrites their assertions.
        pytest.main(["-qq", "-p", "no:cacheprovider", f"--rootdir={empty}", *plugins, empty])
    for name in modules:
        import_module(name)
    # What plugins have changed, for the processes that tests start.
    changed = {name: value for name, value in os.environ.items() if before.get(name) != value}
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        arguments, cwd, variables, output = json.loads(line)
        pid = os.fork()
        if not pid:
            statuses.close()
            os.environ.update({**changed, **variables})
            run(arguments, cwd, output)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), file=statuses, flush=True)


def run(arguments: list[str], cwd: str, output: str) -> NoReturn:
    """Run tests as ``python -m pytest`` does; end this process."""
    for target, path, flags in ((0, os.devnull, os.O_RDONLY), (1, output, os.O_WRONLY)):
        opened = os.open(path, flags)
        os.dup2(opened, target)
        os.close(opened)
    os.dup2(1, 2)
    os.chdir(cwd)
    sys.path.insert(0, cwd)
    sys.argv[1:] = arguments
    sys.exit(pytest.main(arguments))


if __name__ == "__main__":
    main()
