"""The reloader: what it watches, and a parent that outlives its children."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from asyncflask.server.reload import Files, inherited_socket, is_child, watch_files

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The folder of a project: it is the current one, and modules are imported from it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "app.py").write_text("a = 1")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "views.py").write_text("b = 1")
    return tmp_path


def _changed(path):
    path.write_text(path.read_text() + "\n")
    later = time.time() + 2
    os.utime(path, (later, later))


def _names(changes):
    return sorted(os.path.basename(path) for path in changes)


def test_changed_new_and_removed_files_are_noticed(project):
    files = Files((), ())
    before = files.changes()
    _changed(project / "app.py")
    changed = files.changes()
    (project / "package" / "new.py").write_text("")
    added = files.changes()
    (project / "package" / "views.py").unlink()
    removed = files.changes()

    assert before == set()
    assert [_names(found) for found in (changed, added, removed)] == [
        ["app.py"],
        ["new.py"],
        ["views.py"],
    ]


def test_other_files_count_only_if_they_are_named(project):
    (project / "settings.toml").write_text("")
    (project / "notes.txt").write_text("")
    files = Files(["settings.toml"], ())
    _changed(project / "settings.toml")
    _changed(project / "notes.txt")

    assert _names(files.changes()) == ["settings.toml"]
    assert files.counts(str(project / "settings.toml"))
    assert not files.counts(str(project / "notes.txt"))


def test_excluded_files_do_not_count(project):
    files = Files((), ["*/package/*"])
    _changed(project / "package" / "views.py")
    _changed(project / "app.py")

    assert _names(files.changes()) == ["app.py"]
    assert not files.counts(str(project / "package" / "views.py"))


@pytest.mark.parametrize("folder", [".git", "__pycache__", "node_modules", "venv"])
def test_folders_that_are_not_edited_are_skipped(project, folder):
    (project / folder).mkdir()
    (project / folder / "pyvenv.cfg").write_text("")
    files = Files((), ())
    (project / folder / "new.py").write_text("")

    assert files.changes() == set()


def test_a_file_that_is_not_there_is_waited_for(project):
    files = Files(["later.toml"], ())
    (project / "later.toml").write_text("")

    assert _names(files.changes()) == ["later.toml"]


@pytest.mark.parametrize("with_watchfiles", [True, False])
def test_watching_yields_changes_until_it_is_stopped(project, monkeypatch, with_watchfiles):
    if with_watchfiles:
        pytest.importorskip("watchfiles")
    else:
        monkeypatch.setitem(sys.modules, "watchfiles", None)
    files, rounds = Files((), ()), []
    end = time.monotonic() + 15

    def pulse(seconds):
        time.sleep(min(seconds, 0.01))
        return bool(rounds) or time.monotonic() > end

    _changed(project / "app.py")
    for changed in watch_files(files, pulse):
        if changed:
            rounds.append(_names(changed))

    assert rounds[0] == ["app.py"]


def test_a_process_without_a_reloader_is_no_child(monkeypatch):
    monkeypatch.delenv("WERKZEUG_RUN_MAIN", raising=False)

    assert not is_child()
    assert inherited_socket() is None


PROGRAM = """
import os, sys, time
from asyncflask.server.reload import is_child, run_with_reloader
if not is_child():
    run_with_reloader(None)
import job
"""


@pytest.fixture
def program(project):
    (project / "main.py").write_text(PROGRAM)
    (project / "job.py").write_text("import time\nprint('one', flush=True)\ntime.sleep(60)")
    environ = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "main.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environ,
        cwd=project,
    )
    yield process
    process.kill()
    process.communicate()


def _until(process, text):
    return any(text in line for line in process.stdout)


def test_a_program_that_fails_is_started_again_at_the_next_change(program, project):
    assert _until(program, "one")
    (project / "job.py").write_text("def")
    assert _until(program, "The program failed")
    (project / "job.py").write_text("print('two', flush=True)")

    assert _until(program, "two")
    assert program.wait(10) == 0, "A child that ends well ends its parent."


def test_a_signal_ends_parent_and_child(program):
    assert _until(program, "one")
    program.terminate()

    assert program.wait(10) == 0
    assert program.stdout.read() == ""
