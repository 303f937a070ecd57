"""The workflows of CI run code that was reviewed, with the permissions that each job needs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yaml"))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_an_action_is_pinned_to_a_commit_with_its_version(workflow):
    """A tag can be moved to other code; a commit cannot."""
    uses = re.findall(r"uses: (.*)", workflow.read_text())

    assert uses
    assert [
        use for use in uses if not re.fullmatch(r"\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use)
    ] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_no_permissions_but_those_of_its_jobs(workflow):
    text = workflow.read_text()
    jobs = re.split(r"^  \w+:$", text.partition("\njobs:\n")[2], flags=re.MULTILINE)[1:]

    assert "\npermissions: {}\n" in text
    assert jobs
    assert [job for job in jobs if "\n    permissions:\n" not in job] == []


@pytest.fixture
def repository(tmp_path):
    """A repository with CI's checks and one commit; return a function that commits a file."""
    (tmp_path / ".ci").mkdir()
    script = (PROJECT / ".ci" / "check-change").read_text()
    (tmp_path / ".ci" / "check-change").write_text(script)

    def git(*args):
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        subprocess.run(["git", *identity, *args], cwd=tmp_path, check=True, capture_output=True)

    def commit(subject, name):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(subject)
        git("add", ".")
        git("commit", "--message", subject)

    git("init", "--initial-branch=main")
    commit("Begin", "README.md")
    git("branch", "base")
    return commit


@pytest.fixture
def check(tmp_path):
    """Check the commits since the first one: the exit status and what is printed."""

    def check():
        command = ["bash", ".ci/check-change", "base"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        return done.returncode, done.stdout

    return check


needs_bash = pytest.mark.skipif(sys.platform == "win32", reason="a script for bash")


@needs_bash
def test_a_change_of_the_package_needs_a_note(repository, check):
    repository("Change it", "asyncflask/app.py")
    status, output = check()
    assert (status, "changes/README.md" in output) == (1, True)

    repository("Say so", "changes/12.fix.md")
    assert check() == (0, "")


@needs_bash
def test_a_change_of_something_else_needs_no_note(repository, check):
    repository("Explain it", "docs/index.md")

    assert check() == (0, "")


@needs_bash
@pytest.mark.parametrize(("length", "status"), [(72, 0), (73, 1)])
def test_a_subject_has_at_most_72_characters(repository, check, length, status):
    repository("ü" * length, "docs/index.md")

    assert check()[0] == status
