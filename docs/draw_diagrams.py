"""Draw the diagrams of the pages as SVG files, for the site: ``make diagrams`` runs it.

A ``mermaid`` block is drawn by mermaid in headless Chromium, and the file is named after the
block's text; a test says when a file is missing. So the site needs no script of another site, and
building it neither Node nor a browser. Drawing needs npm, which fetches mermaid, and Chromium.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

DOCS = Path(__file__).parent
FOLDER = DOCS / "_static" / "diagrams"
MERMAID = "mermaid@10.9.3"
BLOCK = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SETTINGS = {"startOnLoad": False, "theme": "neutral", "flowchart": {"htmlLabels": False}}
PAGE = """<!doctype html>
<meta charset="utf-8">
<script src="mermaid.min.js"></script>
<body>
<script>
mermaid.initialize({settings});
mermaid.render({name}, {source}).then(made => {{
  document.body.innerHTML = "";
  const out = document.createElement("pre");
  out.id = "drawn";
  out.textContent = made.svg;
  document.body.append(out);
}});
</script>
"""


def sources() -> dict[Path, str]:
    """Return the text of each diagram, by the file that it is drawn to."""
    texts = [page.read_text(encoding="utf-8") for page in sorted(DOCS.rglob("*.md"))]
    return {drawing_of(source): source for text in texts for source in BLOCK.findall(text)}


def drawing_of(source: str) -> Path:
    """Return the file that a diagram is drawn to.

    Args:
        source: The text of the ``mermaid`` block.
    """
    return FOLDER / f"{hashlib.sha256(source.strip().encode()).hexdigest()[:12]}.svg"


def draw(source: str, name: str, folder: Path, chromium: str) -> str:
    """Return a diagram as SVG.

    Args:
        source: The text of the ``mermaid`` block.
        name: The id of the SVG element; its styles begin with it.
        folder: Has ``mermaid.min.js``.
        chromium: The browser's command.

    Raises:
        ValueError: Mermaid did not draw it.
    """
    page = folder / "page.html"
    values = {"settings": SETTINGS, "name": name, "source": source}
    page.write_text(PAGE.format(**{key: json.dumps(value) for key, value in values.items()}))
    done = subprocess.run(
        [
            *(
                chromium,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--virtual-time-budget=9000",
            ),
            *("--dump-dom", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found = re.search(r'<pre id="drawn">(.*?)</pre>', done.stdout, re.DOTALL)
    if found is None:
        raise ValueError(f"Mermaid did not draw this. Correct the diagram:\n{source}")
    return html.unescape(found[1])


def main() -> int:
    """Draw what is missing, and remove what no page has any longer."""
    wanted = sources()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in set(FOLDER.glob("*.svg")) - wanted.keys():
        path.unlink()
    missing = {path: source for path, source in wanted.items() if not path.exists()}
    if not missing:
        return 0
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None or shutil.which("npm") is None:
        sys.stderr.write("Diagrams were changed. Install npm and Chromium, and run it again.\n")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", MERMAID]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
            script = archive.extractfile("package/dist/mermaid.min.js")
            assert script is not None
            Path(folder, "mermaid.min.js").write_bytes(script.read())
        for path, source in missing.items():
            path.write_text(draw(source, f"diagram-{path.stem}", Path(folder), chromium) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
