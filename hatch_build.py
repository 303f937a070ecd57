"""The README of the distributions: its links are absolute, for the page of a package index."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

#: a Markdown link to a file of the repository; group 1 is its path
RELATIVE_LINK = re.compile(r"(?<=\]\()(?!https?://|#|mailto:)([^)\s]+)(?=\))")


class Readme(MetadataHookInterface):
    """Set ``project.readme`` from README.md."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the text whose relative links lead to the files of this version's tag.

        Args:
            metadata: The table ``project``, which is changed.
        """
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        files = f"{metadata['urls']['Source']}/blob/v{metadata['version']}"
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": RELATIVE_LINK.sub(lambda link: f"{files}/{link[1]}", text),
        }
