"""What is wrong with a distribution is found."""

from __future__ import annotations

import io
import tarfile
import zipfile

import pytest

from .contents import NEEDED, SOURCES, URLS, check_sdist, check_wheel

METADATA = """\
Metadata-Version: 2.4
Name: asyncflask
Version: 0.2.0
License-Expression: BSD-3-Clause
Description-Content-Type: text/markdown
{urls}

{text}
"""


def metadata(text="See [the docs](https://example.org/docs).", urls=URLS):
    lines = "\n".join(f"Project-URL: {name}, https://example.org/{name}" for name in urls)
    return METADATA.format(urls=lines, text=text)


@pytest.fixture
def wheel(tmp_path):
    def wheel(*more, described=None, left_out=()):
        path = tmp_path / "asyncflask-0.2.0-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for name in (NEEDED["asyncflask"] | set(more)) - set(left_out):
                archive.writestr(name, "")
            archive.writestr("asyncflask-0.2.0.dist-info/METADATA", described or metadata())
        return path

    return wheel


def test_a_wheel_that_is_right(wheel):
    assert check_wheel(wheel()) == []


@pytest.mark.parametrize(
    ("name", "mistake"),
    [
        ("tests/test_app.py", "tests is in the wheel"),
        ("hatch_build.py", "hatch_build.py is in the wheel"),
        ("asyncflask/__pycache__/app.cpython-311.pyc", "leave it out"),
        ("asyncflask/.DS_Store/.mypy_cache/x.json", "leave it out"),
    ],
)
def test_a_wheel_with_something_else(wheel, name, mistake):
    (found,) = check_wheel(wheel(name))

    assert name in found or mistake in found


def test_a_wheel_without_its_types(wheel):
    assert check_wheel(wheel(left_out=["asyncflask/py.typed"])) == [
        "asyncflask/py.typed is missing"
    ]


@pytest.mark.parametrize(
    ("described", "mistake"),
    [
        (metadata(text="See [the docs](docs/README.md)."), "'docs/README.md' is not absolute"),
        (metadata(text="See [the docs](http://example.org/)."), "is not absolute"),
        (metadata(text=""), "the description is empty"),
        (metadata(urls=URLS - {"Issues"}), "project.urls has no ['Issues']"),
        (metadata().replace("text/markdown", "text/plain"), "the description is no Markdown"),
        (metadata().replace("BSD-3-Clause", "MIT"), "the licence is not BSD-3-Clause"),
    ],
)
def test_metadata_that_are_wrong(wheel, described, mistake):
    (found,) = check_wheel(wheel(described=described))

    assert mistake in found


def test_code_in_a_description_has_no_links(wheel):
    text = "```python\nhandlers[name](request)\n```\n"

    assert check_wheel(wheel(described=metadata(text=text))) == []


@pytest.fixture
def sdist(tmp_path):
    def sdist(*more, left_out=()):
        path = tmp_path / "asyncflask-0.2.0.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            for name in sorted((SOURCES["asyncflask"] | set(more)) - set(left_out)):
                content = metadata().encode() if name == "PKG-INFO" else b""
                member = tarfile.TarInfo(f"asyncflask-0.2.0/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return path

    return sdist


def test_a_source_distribution_that_is_right(sdist):
    assert check_sdist(sdist()) == []


def test_a_source_distribution_that_is_wrong(sdist):
    found = check_sdist(sdist(".venv/bin/python", left_out=["LICENSE"]))

    assert found == [".venv/bin/python is in it; leave it out", "LICENSE is missing"]
