"""Settings of the documentation site, which ``make docs`` builds with Sphinx into ``site/``.

The source folder is the repository, so a relative link works on the site as it does in a checkout.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive

import asyncflask

project = "asyncflask"
author = "The asyncflask developers"
copyright = author
version = release = asyncflask.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
root_doc = "docs/index"
include_patterns = [
    "docs/index.md",
    "docs/*/**",
    "benchmarks/README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
]

# Markdown: anchors of headings are those of GitHub, and `mermaid` blocks are drawn (below).
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]

# Docstrings: Google's sections, names as the user imports them, in the order of the source.
add_module_names = False
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
python_maximum_signature_line_length = 88

# Only the command is copied, without its prompt and its output.
copybutton_prompt_text = "$ "

# Both APIs have a `Response`, so a short name in an annotation may be either.
suppress_warnings = ["ref.python"]

html_theme = "furo"
html_title = f"asyncflask {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["_root"]
html_copy_source = False
html_show_sphinx = False


class Diagram(Directive):
    """Show a ``mermaid`` block as the SVG that ``docs/draw_diagrams.py`` has drawn of it."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the picture as a part of the page, so that its text can be found and copied."""
        source = "\n".join(self.content)
        name = hashlib.sha256(source.strip().encode()).hexdigest()[:12]
        path = Path(__file__).parent / "_static" / "diagrams" / f"{name}.svg"
        if not path.exists():
            return [self.state_machine.reporter.warning("run `make diagrams` to draw this")]
        svg = path.read_text(encoding="utf-8")
        return [nodes.raw("", f'<div class="diagram">{svg}</div>', format="html")]


def setup(app: Any) -> None:
    """Add the diagrams, and connect :func:`keep_first_line` before napoleon reads a docstring."""
    app.add_directive("mermaid", Diagram)
    app.connect("autodoc-process-docstring", keep_first_line, priority=400)


def keep_first_line(
    app: Any, what: str, name: str, obj: object, options: Any, lines: list[str]
) -> None:
    """Stop napoleon from reading "Text: more" in an attribute's first line as "type: text"."""
    if what in {"attribute", "property", "data"}:
        lines.insert(0, "")
