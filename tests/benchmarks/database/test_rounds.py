"""The command, with a PostgreSQL that it starts."""

from __future__ import annotations

import asyncio
import json

import pytest

from benchmarks import __main__ as command
from benchmarks.database import postgresql, queries, rounds
from benchmarks.database.workloads import WORKLOADS
from tests.services import find


@pytest.fixture
def short(monkeypatch):
    """A short run; skip where there is no PostgreSQL."""
    find("postgres")
    monkeypatch.setattr(rounds, "QUICK", rounds.Size(1, 0.05, 1))
    monkeypatch.setattr(rounds, "CONNECTIONS", 4)


def test_a_part_of_a_run_measures_each_workload_and_writes_where_it_is_told(
    short, tmp_path, capsys
):
    output = tmp_path / "part.json"
    readme = command.README.read_bytes()

    arguments = ["database", "--quick", "--server", "embedded", "--output", str(output)]
    assert command.main(arguments) == 0

    result = json.loads(output.read_text())
    assert list(result["times"]) == [f"embedded {name}" for name in WORKLOADS]
    assert all(apps["asyncflask"]["median"] > 0 for apps in result["times"].values())
    assert "| **asyncflask, embedded** |" in capsys.readouterr().out
    assert command.README.read_bytes() == readme


def test_an_update_that_the_database_does_not_have_is_refused(short):
    with postgresql.running() as url:
        asyncio.run(queries.fill(url))
        rows = asyncio.run(queries.changed(url, range(1000, 1000 + queries.CHANGES)))
        is_right = WORKLOADS["updates"].is_right
        assert is_right(json.dumps(rows).encode(), url)
        rows[-1]["number"] = 9999
        assert not is_right(json.dumps(rows).encode(), url)


def test_an_unknown_server_is_refused_and_the_known_are_named(capsys):
    assert command.main(["database", "--server", "apache"]) == 2

    assert "'apache'. There are: embedded, " in capsys.readouterr().err


def test_without_postgresql_the_command_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(postgresql, "_DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert command.main(["database"]) == 2
    assert "Debian's package is `postgresql`" in capsys.readouterr().err
