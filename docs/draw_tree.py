"""Write what each file of the package is for into ``explanation/tree.md``.

``make diagrams`` runs it; a test says when the page is not as the files are.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "asyncflask"
PAGE = Path(__file__).parent / "explanation" / "tree.md"

INTRODUCTION = """\
# The files

This page is for contributors: it says in one line what each file of the package is for.
[Design](design.md) explains how they work together, and [the glossary](glossary.md) the words.

`make diagrams` writes this page from the first line of each file.
"""


def page() -> str:
    """Return the whole page."""
    folders = sorted({path.parent for path in PACKAGE.rglob("*.py")})
    return "\n".join([INTRODUCTION, *(_section(folder) for folder in folders)])


def _section(folder: Path) -> str:
    files = [path for path in sorted(folder.glob("*.py")) if path.name != "__init__.py"]
    name = folder.relative_to(PACKAGE.parent).as_posix()
    rows = [f"| `{path.name}` | {first_line(path)} |" for path in files]
    package = folder / "__init__.py"  # `flask/sansio` is Flask's name, and has none.
    about = [first_line(package), ""] if package.exists() else []
    return "\n".join([f"## {name}/", "", *about, "| file | |", "|---|---|", *rows, ""])


@cache
def first_line(path: Path) -> str:
    """Return the first sentence of a file's docstring, in Markdown."""
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    paragraph = " ".join(text.partition("\n\n")[0].split())
    for role in (":mod:", ":class:", ":func:", ":data:", ":pep:", ":meth:"):
        paragraph = paragraph.replace(role, "")
    sentence = re.split(r"(?<=[.)]) (?=[A-Z(])", paragraph)[0]
    return sentence.replace("``", "`").replace("|", "\\|").replace("`~", "`")


if __name__ == "__main__":
    PAGE.write_text(page())
