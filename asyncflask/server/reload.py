"""The reloader: a parent that watches files, and restarts the program in a child at each change.

The parent holds the listening socket, and each child inherits it: a client that connects during
a restart waits and is not refused. The reloader does not know what the child serves.
"""

from __future__ import annotations

import fnmatch
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import NoReturn

#: set in the child: Werkzeug's name, which extensions and scripts read
CHILD = "WERKZEUG_RUN_MAIN"
SOCKET = "_ASYNCFLASK_SOCKET"
#: set in a child that replaces one that has served
RESTARTED = "_ASYNCFLASK_RESTARTED"
#: a random text that all children of one parent share
SECRET = "_ASYNCFLASK_SECRET"
INTERVAL = 1.0  # seconds between two checks of the files, without watchfiles
LAST_SECONDS = 5.0  # seconds for a child that is being replaced to end

_SKIPPED = frozenset(("__pycache__", "node_modules", "site-packages"))


def is_child() -> bool:
    """Return whether this process is the reloader's child."""
    return os.environ.get(CHILD) == "true"


def is_restarted() -> bool:
    """Return whether this process replaces a child that has served."""
    return is_child() and RESTARTED in os.environ


def inherited_socket() -> socket.socket | None:
    """Return the parent's socket, in a child."""
    number = os.environ.get(SOCKET)
    if number is None or not is_child():
        return None
    listener = socket.socket(fileno=int(number))
    listener.setblocking(False)
    return listener


def run_with_reloader(
    listener: socket.socket | None,
    *,
    extra_files: Iterable[str] | None = None,
    exclude_patterns: Iterable[str] | None = None,
    say: Callable[[str], None] = print,
    command: list[str] | None = None,
    broke_off: Callable[[Iterable[str]], None] | None = None,
    restarts: Callable[[], None] | None = None,
) -> NoReturn:
    """Run this program in a child process until the child ends or a signal arrives.

    A child that fails (for example with a syntax error) is started again at the next change.

    Args:
        listener: The socket that the children inherit.
        extra_files: Further files to watch.
        exclude_patterns: ``fnmatch`` patterns of paths not to watch.
        say: Prints a message for the user.
        command: The command of the child; by default that of this process.
        broke_off: Called with the changed files when a child has ended with an error.
        restarts: Called before the next child is started.

    Raises:
        SystemExit: With the child's status.
    """
    parent = _Parent(command or [sys.executable, *sys.orig_argv[1:]], listener)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, parent.end)
    files = Files(extra_files or (), exclude_patterns or ())
    parent.start()
    edited: set[str] = set()
    for changed in watch_files(files, parent.pulse):
        if changed:
            edited |= changed
            say(f" * Changed: {_shown(changed)}; restarting")
            if restarts is not None:
                restarts()
            parent.restart()
        elif parent.broke_off():
            say(" * The program failed; it is started again at the next change")
            if broke_off is not None:
                broke_off(edited)
        if parent.ended:
            break
    if restarts is not None:
        restarts()
    raise SystemExit(parent.finish())


def _shown(changed: Iterable[str]) -> str:
    return ", ".join(sorted(os.path.relpath(path) for path in changed)[:3])


class _Parent:
    """The process that runs the child."""

    def __init__(self, command: list[str], listener: socket.socket | None) -> None:
        self.ended = False
        self._command = command
        self._child: subprocess.Popen[bytes] | None = None
        self._told = False
        self._pulse = threading.Event()
        self._environ = {**os.environ, CHILD: "true", SECRET: secrets.token_hex(16)}
        self._inherited: tuple[int, ...] = ()
        if listener is not None and sys.platform != "win32":
            listener.set_inheritable(True)
            self._environ[SOCKET] = str(listener.fileno())
            self._inherited = (listener.fileno(),)

    def start(self) -> None:
        self._told = False
        self._child = subprocess.Popen(
            self._command, env=self._environ, pass_fds=self._inherited, close_fds=True
        )

    def restart(self) -> None:
        if not self._told:
            self._environ[RESTARTED] = "true"
        self._stop_child()
        if not self.ended:
            self.start()

    def _stop_child(self) -> None:
        child = self._child
        if child is None or child.poll() is not None:
            return
        child.terminate()
        try:
            child.wait(LAST_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def end(self, number: int, frame: FrameType | None) -> None:
        """Pass a signal on; a second one ends the child at once."""
        child = self._child
        if self.ended and child is not None and child.poll() is None:
            child.kill()
        self.ended = True
        self._pulse.set()

    def pulse(self, seconds: float) -> bool:
        """Wait, and return whether the watching is over."""
        if not self.ended and not self._exited():
            self._pulse.wait(seconds)
        elif not self.ended:
            self._pulse.wait(min(seconds, 0.1))
        return self.ended

    def _exited(self) -> bool:
        """End the parent after a child that ended without an error."""
        status = self._child.poll() if self._child is not None else 0
        if status == 0:
            self.ended = True
        return status is not None

    def broke_off(self) -> bool:
        """Return, once, whether the child ended with an error."""
        if self._told or self.ended or not self._exited() or self.ended:
            return False
        self._told = True
        return True

    def finish(self) -> int:
        self._stop_child()
        return 0 if self._child is None else max(self._child.returncode, 0)


# -- the files -------------------------------------------------------------------------------------


class Files:
    """The files of the program: its modules, every ``.py`` file beside them, and extra ones.

    Args:
        extra: Further files.
        exclude: ``fnmatch`` patterns of paths to ignore.
    """

    def __init__(self, extra: Iterable[str], exclude: Iterable[str]) -> None:
        self.extra = {os.path.abspath(path) for path in extra}
        self.roots = sorted(_roots())
        self._exclude = tuple(exclude)
        self._modules = _module_files()  # Once, because an import is not a change of a file.
        #: The folders that have files of the program, as they were at the last check.
        self.folders: set[str] = set()
        self._known = self.times()

    def counts(self, path: str) -> bool:
        """Return whether a change of ``path`` is a reason to restart.

        Args:
            path: The path of a file that was changed.

        Returns:
            Whether it is.
        """
        if any(fnmatch.fnmatch(path, pattern) for pattern in self._exclude):
            return False
        if path in self.extra:
            return True
        return path.endswith(".py") and not _SKIPPED.intersection(path.split(os.sep))

    def times(self) -> dict[str, int]:
        """Return each file's time of change, in nanoseconds."""
        found: dict[str, int] = {}
        folders = {os.path.dirname(path) for path in self.extra}
        for root in self.roots:
            _scan(root, found, folders)
        self.folders = {folder for folder in folders if os.path.isdir(folder)}
        for path in self.extra | self._modules:
            if path not in found:
                try:
                    found[path] = os.stat(path).st_mtime_ns
                except OSError:
                    continue
        if self._exclude:
            return {path: time for path, time in found.items() if self.counts(path)}
        return found

    def changes(self) -> set[str]:
        """Return the files that were changed, added or removed since the last check."""
        now = self.times()
        before, self._known = self._known, now
        return {path for path, _ in before.items() ^ now.items()}


def _roots() -> set[str]:
    """Return the folders that the program imports from, without Python's own and installed ones."""
    installed = {os.path.realpath(prefix) for prefix in (sys.prefix, sys.base_prefix)}
    roots = set()
    for entry in (os.getcwd(), *sys.path):
        path = os.path.realpath(entry or os.getcwd())
        inside = any(os.path.commonpath((path, prefix)) == prefix for prefix in installed)
        if os.path.isdir(path) and not inside and not _SKIPPED.intersection(path.split(os.sep)):
            roots.add(path)
    return {
        root
        for root in roots
        if not any(root != other and root.startswith(other + os.sep) for other in roots)
    }


def _scan(folder: str, found: dict[str, int], folders: set[str]) -> None:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return  # It was removed meanwhile, or may not be read.
    folders.add(folder)
    for entry in entries:
        name = entry.name
        try:
            if name.endswith(".py"):
                found[entry.path] = entry.stat().st_mtime_ns
            elif name[:1] != "." and name not in _SKIPPED and _is_source_folder(entry):
                _scan(entry.path, found, folders)
        except OSError:
            continue


def _is_source_folder(entry: os.DirEntry[str]) -> bool:
    # An environment inside the project has thousands of files that are never edited.
    return entry.is_dir(follow_symlinks=False) and not os.path.exists(
        os.path.join(entry.path, "pyvenv.cfg")
    )


def _module_files() -> set[str]:
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    return {os.path.realpath(path) for path in files if path}


def watch_files(files: Files, pulse: Callable[[float], bool]) -> Iterator[set[str]]:
    """Yield the changed files; regularly also an empty set.

    Args:
        files: The files to watch.
        pulse: Waits that many seconds; ``True`` ends the watching.
    """
    try:
        import watchfiles
    except ImportError:
        while not pulse(INTERVAL):
            yield files.changes()
        yield set()
        return
    is_watching = True
    while is_watching:
        is_watching = False
        folders, is_first = files.folders, True
        for changed in watchfiles.watch(
            *folders,
            watch_filter=lambda _, path: files.counts(path) or os.path.isdir(path),
            # An environment inside the project has thousands of folders: seconds, and the system
            # lets a user watch so many only.
            recursive=False,
            rust_timeout=200,
            yield_on_timeout=True,
            raise_interrupt=False,
        ):
            # Earlier changes, and those in new folders, are found only by a check.
            missed = files.changes() if changed or is_first else set()
            yield {path for _, path in changed if files.counts(path)} | missed
            is_first = False
            if pulse(0):
                break
            if files.folders != folders:
                is_watching = True  # those that are there now
                break
    yield set()
