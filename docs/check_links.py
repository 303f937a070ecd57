"""Check the links of the built site without the network: ``make docs`` runs this after Sphinx.

A link inside the site leads to a file and, after ``#``, to an id in it. A link to another site is a
whole URL; it is not fetched. No page loads anything from another site: scripts, styles, pictures.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: The attributes that make a browser load something, by element.
LOADED = {
    **dict.fromkeys(("script", "img", "iframe", "source", "embed", "audio", "video"), "src"),
    "link": "href",
    "object": "data",
}
#: ``<link rel=…>`` that only say where something is.
NOT_LOADED = {"canonical", "next", "prev", "index", "search", "author", "license", "alternate"}
OUTSIDE = re.compile(r"(?:https?:)?//")
WHOLE_URL = re.compile(
    r"https?://(?:[\w-]+(?:\.[\w-]+)+|localhost|\[[\da-f:]+\])(?::\d+)?(?:/\S*)?"
)
IN_STYLE = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")
IN_SCRIPT = re.compile(r"(?:\bfrom|\bimport)\s*\(?\s*['\"](https?://[^'\"]+)")


@dataclass
class Page(HTMLParser):
    """One page: its ids, and what it links to or loads."""

    text: str
    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    _inside: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element has or needs."""
        self._inside = tag if tag in {"script", "style"} else ""
        found = {name: value or "" for name, value in attrs}
        self.ids |= {found[name] for name in ("id", "name") if found.get(name)}
        self.loaded += _urls_of_style(found.get("style", ""))
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag == "link" and NOT_LOADED & set(found.get("rel", "").split()):
            self.links.append(found.get("href", ""))
        elif found.get(LOADED.get(tag, "")):
            self.loaded.append(found[LOADED[tag]])

    def handle_endtag(self, tag: str) -> None:
        """Note the end of a script or style."""
        self._inside = ""

    def handle_data(self, data: str) -> None:
        """Read a script or style in the page."""
        if self._inside == "style":
            self.loaded += _urls_of_style(data)
        elif self._inside == "script":
            self.loaded += IN_SCRIPT.findall(data)


def _urls_of_style(text: str) -> list[str]:
    return [first or second for first, second in IN_STYLE.findall(text)]


def check(site: Path) -> list[str]:
    """Return a sentence for each mistake in a site.

    Args:
        site: The folder with the pages.
    """
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    mistakes = []
    for path, page in pages.items():
        found = [*_bad_links(path, page, pages), *_bad_loads(path, page.loaded)]
        mistakes += [f"{path.relative_to(site)}: {mistake}" for mistake in found]
    for path in sorted([*site.rglob("*.css"), *site.rglob("*.js"), *site.rglob("*.mjs")]):
        text = path.read_text(encoding="utf-8")
        urls = _urls_of_style(text) if path.suffix == ".css" else IN_SCRIPT.findall(text)
        mistakes += [f"{path.relative_to(site)}: {each}" for each in _bad_loads(path, urls)]
    return mistakes


def _bad_links(path: Path, page: Page, pages: dict[Path, Page]) -> Iterator[str]:
    for link in page.links:
        if OUTSIDE.match(link):
            if not WHOLE_URL.fullmatch(link):
                yield f"the link {link!r} is not a whole URL. Write https://host/path."
        elif urlsplit(link).scheme not in {"", "mailto"}:
            yield f"the link {link!r} has another scheme. Write https://host/path."
        elif not urlsplit(link).scheme:
            yield from _bad_link_inside(path, link, pages)


def _bad_link_inside(path: Path, link: str, pages: dict[Path, Page]) -> Iterator[str]:
    parts = urlsplit(link)
    target = path.parent.joinpath(unquote(parts.path)).resolve() if parts.path else path
    if target.is_dir():
        target /= "index.html"
    anchor = unquote(parts.fragment)
    if not target.exists():
        yield f"the link {link!r} leads to no file. Correct its path, or add the page to the site."
    elif anchor and target in pages and anchor not in pages[target].ids:
        yield f"the link {link!r} names no id of {target.name}. Write the anchor of a heading."


def _bad_loads(path: Path, urls: list[str]) -> Iterator[str]:
    for url in urls:
        if OUTSIDE.match(url):
            yield f"{url!r} is loaded from another site. Put the file into docs/_static/."
        elif not urlsplit(url).scheme and not url.startswith("#"):
            target = path.parent / unquote(urlsplit(url).path)
            if not target.exists():
                yield f"{url!r} is loaded and is no file. Correct its path."


def main(arguments: list[str]) -> int:
    """Check a site, and print its mistakes."""
    (folder,) = arguments
    mistakes = check(Path(folder).resolve())
    sys.stderr.write("".join(f"{mistake}\n" for mistake in mistakes))
    return int(bool(mistakes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
