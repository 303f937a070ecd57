"""The folders in which the reloader waits for changes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from asyncflask.server.reload import Files, watch_files

pytest.importorskip("watchfiles")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a project, which is the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "package").mkdir()
    (tmp_path / "app.py").touch()
    return tmp_path


def test_an_environment_inside_of_the_project_is_not_watched(project: Path) -> None:
    (project / ".venv" / "lib").mkdir(parents=True)
    (project / "env" / "lib").mkdir(parents=True)
    (project / "env" / "pyvenv.cfg").touch()

    watched = {Path(folder) for folder in Files((), ()).folders}

    assert {project, project / "package"} <= watched
    assert not [folder for folder in watched if {".venv", "env"} & set(folder.parts)]


def test_a_file_in_a_new_folder_is_noticed(project: Path) -> None:
    files, noticed = Files((), ()), set()
    end = time.monotonic() + 15

    def pulse(seconds: float) -> bool:
        folder = project / "new" / "inner"
        if not folder.exists():
            folder.mkdir(parents=True)
        elif str(folder) in files.folders:  # It is watched from now on.
            (folder / "views.py").write_text("")
        return bool(noticed) or time.monotonic() > end

    for changed in watch_files(files, pulse):
        noticed |= changed

    assert {Path(path).name for path in noticed} == {"views.py"}
