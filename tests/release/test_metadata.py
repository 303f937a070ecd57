"""The metadata that the build backend makes: the README with absolute links, and the URLs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import asyncflask

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def metadata():
    command = [sys.executable, "-m", "hatchling", "metadata"]
    made = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    return json.loads(made.stdout)


def test_the_links_of_the_readme_lead_to_the_files_of_the_version(metadata):
    text = metadata["readme"]["text"]
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    files = f"{metadata['urls']['Source']}/blob/v{asyncflask.__version__}/"
    own = [link.removeprefix(files) for link in links if link.startswith(files)]

    assert own
    assert [link for link in links if not link.startswith("https://")] == []
    assert [link for link in own if not (PROJECT / link.partition("#")[0]).exists()] == []


def test_nothing_but_the_links_of_the_readme_is_changed(metadata):
    source = (PROJECT / "README.md").read_text(encoding="utf-8")
    link = re.compile(r"\]\([^)]*\)")

    assert link.sub("", metadata["readme"]["text"]) == link.sub("", source)
    assert metadata["readme"]["content-type"] == "text/markdown"


def test_the_urls_are_those_of_one_repository(metadata):
    urls = metadata["urls"]

    assert set(urls) == {"Homepage", "Documentation", "Changes", "Source", "Issues"}
    assert {url for url in urls.values() if not url.startswith(urls["Source"])} == set()
