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


def _lines(document):
    return list(prose.lines((PROJECT / document).read_text(encoding="utf-8")))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_line_of_a_document_is_too_long(document):
    offences = [
        f"{document}:{number} has {len(line)} characters: write {prose.WIDTH} or fewer"
        for number, line in _lines(document)
        if len(line) > prose.WIDTH and not prose.is_unbreakable(line)
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
