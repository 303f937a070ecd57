"""What is in a distribution: its files, its metadata, and the links of its description."""

from __future__ import annotations

import re
import tarfile
import zipfile
from email import message_from_string
from email.message import Message
from pathlib import Path
from urllib.parse import urlsplit

#: What no distribution has: caches, environments, what a build or a test leaves behind.
UNWANTED = re.compile(
    r"(^|/)(__pycache__|\.git|\.venv[^/]*|\.[a-z]+_cache|\.hypothesis|node_modules|site|dist"
    r"|htmlcov|instance)(/|$)|\.(pyc|pyo|so|log)$|(^|/)\.coverage"
)
#: The parts of a wheel: the packages and their metadata.
PACKAGES = {
    "asyncflask": {"asyncflask", "pytest_asyncflask"},
    "asyncflask-as-flask": {"asyncflask_as_flask.pth"},
}
#: What has to be there besides the code.
NEEDED = {
    "asyncflask": {
        "asyncflask/py.typed",
        "asyncflask/__init__.py",
        "pytest_asyncflask/__init__.py",
    },
    "asyncflask-as-flask": {"asyncflask_as_flask.pth"},
}
#: What the source distribution has, for those who build, test or read.
SOURCES = {
    "asyncflask": {
        *("README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile"),
        *("PKG-INFO", "pyproject.toml", "hatch_build.py", "asyncflask/py.typed"),
        *("tests/conftest.py", "docs/index.md", "examples/__init__.py", "requirements/dev.txt"),
    },
    "asyncflask-as-flask": {"README.md", "PKG-INFO", "pyproject.toml", "asyncflask_as_flask.pth"},
}
URLS = {"Homepage", "Documentation", "Changes", "Source", "Issues"}
LINK = re.compile(r"\]\(([^)\s]+)")


def check_wheel(path: Path) -> list[str]:
    """Return a sentence for each mistake in a wheel.

    Args:
        path: The file.
    """
    with zipfile.ZipFile(path) as wheel:
        names = [name for name in wheel.namelist() if not name.endswith("/")]
        (metadata,) = [name for name in names if name.endswith(".dist-info/METADATA")]
        described = message_from_string(wheel.read(metadata).decode("utf-8"))
    name, folder = described["Name"], metadata.partition("/")[0]
    roots = {each.partition("/")[0] for each in names} - {folder}
    return [
        *_unwanted(names),
        *(
            f"{root} is in the wheel; it has to have {PACKAGES[name]} only"
            for root in roots - PACKAGES[name]
        ),
        *(f"{each} is missing" for each in NEEDED[name] - set(names)),
        *_wrong_description(described),
    ]


def check_sdist(path: Path) -> list[str]:
    """Return a sentence for each mistake in a source distribution.

    Args:
        path: The file.
    """
    with tarfile.open(path) as archive:
        paths = [member.name for member in archive.getmembers() if member.isfile()]
        (top,) = {name.partition("/")[0] for name in paths}
        names = [name.partition("/")[2] for name in paths]
        described = message_from_string(_read(archive, f"{top}/PKG-INFO"))
    return [
        *_unwanted(names),
        *(f"{each} is missing" for each in SOURCES[described["Name"]] - set(names)),
        *_wrong_description(described),
    ]


def _read(archive: tarfile.TarFile, name: str) -> str:
    file = archive.extractfile(name)
    assert file is not None, name
    return file.read().decode("utf-8")


def _unwanted(names: list[str]) -> list[str]:
    return [f"{name} is in it; leave it out" for name in names if UNWANTED.search(name)]


def _wrong_description(described: Message) -> list[str]:
    """Check the metadata: the type of the README, its links, the project's URLs, the licence."""
    urls = dict(line.split(", ", 1) for line in described.get_all("Project-URL", []))
    text = str(described.get_payload())
    links = [*urls.values(), *LINK.findall(_without_code(text))]
    wanted = URLS if described["Name"] == "asyncflask" else {"Homepage", "Changes"}
    found = [
        (not text.strip(), "the description is empty"),
        (
            described["Description-Content-Type"] != "text/markdown",
            "the description is no Markdown",
        ),
        (described["License-Expression"] != "BSD-3-Clause", "the licence is not BSD-3-Clause"),
        (wanted - urls.keys(), f"project.urls has no {sorted(wanted - urls.keys())}"),
    ]
    return [
        *(mistake for wrong, mistake in found if wrong),
        *(f"the link {link!r} is not absolute" for link in links if not _is_absolute(link)),
    ]


def _without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def _is_absolute(link: str) -> bool:
    parts = urlsplit(link)
    return parts.scheme == "https" and "." in parts.netloc
