"""Documents and docstrings are plain English, and a document has one sentence a line."""

from __future__ import annotations

import pytest

from . import prose
from .documents import PROJECT

HIDDEN = {".venv", ".pytest_cache", "node_modules"}


def _documents():
    paths = sorted(PROJECT.rglob("*.md"))
    names = [path.relative_to(PROJECT) for path in paths]
    return [str(n) for n in names if not any(p.startswith(".") or p in HIDDEN for p in n.parts)]


DOCUMENTS = _documents()

PARTS = [
    "benchmarks",
    "docs",
    "examples",
    *sorted(
        f"asyncflask/{path.name}"
        for path in (PROJECT / "asyncflask").iterdir()
        if path.suffix == ".py" or path.joinpath("__init__.py").exists()
    ),
]


def _lines(document):
    return list(prose.lines((PROJECT / document).read_text(encoding="utf-8")))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_line_of_a_document_is_too_long(document):
    # A change note is indented by two characters where it is in CHANGELOG.md.
    width = prose.WIDTH - 2 if document.startswith("changes/") else prose.WIDTH
    offences = [
        f"{document}:{number} has {len(line)} characters: write {width} or fewer"
        for number, line in _lines(document)
        if len(line) > width and not prose.is_unbreakable(line)
    ]

    assert not offences, "\n".join(offences)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_line_of_a_document_has_one_sentence(document):
    offences = [
        f"{document}:{number} begins a sentence in the line: write it on a new one: {second!r}"
        for number, line in _lines(document)
        for second in prose.sentences(prose.without_marker(line))[1:]
    ]

    assert not offences, "\n".join(offences)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_says_it_plainly(document):
    assert not (offences := _phrases(document, _lines(document))), "\n".join(offences)


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if name.startswith("docs/")])
def test_a_page_begins_with_what_it_is_for(document):
    first = next(line for _, line in _lines(document))

    assert first.startswith("This "), f"{document}: begin with `This page`, its purpose and readers"
    assert " for " in first or " shows " in first or " takes " in first, first


@pytest.mark.parametrize("part", PARTS)
def test_the_package_says_it_plainly(part):
    path = PROJECT / part
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    offences = [
        offence
        for file in files
        for offence in _phrases(
            file.relative_to(PROJECT), enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        )
    ]

    assert not offences, "\n".join(offences)


def _phrases(name, lines):
    return [
        f"{name}:{number} says {phrase!r}: write {remedy}"
        for number, line in lines
        for phrase, remedy in prose.phrases(line)
    ]
