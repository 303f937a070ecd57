"""The rules of prose that ``test_prose.py`` checks: sentences of Markdown, phrases to avoid.

A Markdown document has one sentence a line, no line is longer than :data:`WIDTH`, and neither it
nor the package uses the phrases of :data:`PHRASES`. Tables, code, headings and comments are not
prose.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

WIDTH = 120
_WHOLE_WORDS = {"break_long_words": False, "break_on_hyphens": False}

#: A phrase that a reader has to read twice, and what to write instead.
PHRASES = {
    r"somebody|someone|nobody|whoever|no one": "the caller, the client, a subclass",
    r"who (?:looks|asks|waits|reads|calls)": "the caller, the code that reads",
    r"somewhere": "the place itself",
    r"borne with|bear with": "is allowed",
    r"mend(?:s|ed|ing)?": "fix",
    r"anew": "again",
    r"leave(?:s)? (?:it|them|both|one) away": "omit",
    r"stands? (?:in|on|around|behind|before|for itself)": "is in, is based on",
    r"is had|are had": "is, has",
    r"of (?:its|their|our) own idea": "unasked",
    r"there is but": "there is only",
    r"be it": "whether",
    r"comes to (?:know|nothing|an end)": "learns, fails, ends",
    r"for ever": "forever",
    r"hears? of": "is told, is notified",
    r"likewise": "the same",
}
_PHRASE = re.compile("|".join(rf"\b(?:{phrase})\b" for phrase in PHRASES), re.IGNORECASE)

_FENCE = re.compile(r"^\s*(```|~~~)")
_ITEM = re.compile(r"^(\s*)([-*+]|\d+\.)\s+|^(\s*)(>)\s?")
_CODE = re.compile(r"`[^`]*`|\]\([^)]*\)")
#: The end of a sentence: its mark, closing marks, a space, and a capital or code.
_LOWER = (
    "asyncflask|blinker|click|granian|gunicorn|h11|hypercorn|nginx|pytest|uvicorn|uvloop|wsproto"
)
_END = re.compile(rf"(?<=[.!?…])([)\"”*_]*) +(?=[\"“(\[*_]*(?:[A-Z`\d]|(?:{_LOWER})\b))")
_NO_END = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|no|St|Dr|Mr|Ms)\.|…|^\d+\.|(?:^|[\s*(])[A-Z]\d*\.)[)\"”*_]*$"
)


def lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of prose with their numbers, from 1."""
    fence = None
    comment = False
    for number, line in enumerate(text.splitlines(), 1):
        mark = _FENCE.match(line)
        if fence:
            fence = None if mark and mark[1] == fence else fence
        elif mark:
            fence = mark[1]
        elif comment or line.startswith("<!--"):
            comment = "-->" not in line
        elif line.strip() and not line.lstrip().startswith(("|", "#")):
            yield number, line


def sentences(line: str) -> list[str]:
    """Split a line into its sentences; dots inside of code and links do not end one."""
    hidden = _CODE.sub(lambda code: "`" + "x" * (len(code[0]) - 2) + "`", line)
    starts = [0]
    for end in _END.finditer(hidden):
        before = hidden[starts[-1] : end.start()] + end[1]
        if not _NO_END.search(before):
            starts.append(end.end())
    ends = [*starts[1:], len(line)]
    return [line[start:end].strip() for start, end in zip(starts, ends, strict=True)]


def wrapped(text: str, indent: str = "") -> str:
    """Return text with one sentence a line, and no line longer than :data:`WIDTH`.

    Args:
        text: Sentences, in any lines.
        indent: Text before each line except the first.
    """
    parts = sentences(" ".join(text.split()))
    lines = (textwrap.wrap(part, WIDTH - len(indent), **_WHOLE_WORDS) for part in parts)
    return f"\n{indent}".join(line for part in lines for line in part)


def without_marker(line: str) -> str:
    """Return a line without the marker of a list or a quotation."""
    return _ITEM.sub("", line, count=1).strip()


def is_unbreakable(line: str) -> bool:
    """Return whether a long line is one word, link or image, which Markdown cannot break."""
    return " " not in _CODE.sub(lambda code: code[0].replace(" ", "x"), without_marker(line))


def phrases(line: str) -> list[tuple[str, str]]:
    """Return the phrases of a line that are to be rewritten, with what to write instead."""
    return [(found[0], _remedy(found[0])) for found in _PHRASE.finditer(line)]


def _remedy(phrase: str) -> str:
    return next(r for p, r in PHRASES.items() if re.fullmatch(p, phrase, re.IGNORECASE))
