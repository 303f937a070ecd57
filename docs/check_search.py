"""Search the built site as a reader does, in headless Chromium: ``make docs`` runs it.

The site is served from this process, because a browser's pages of files may not fetch the texts
that the search shows.
"""

from __future__ import annotations

import functools
import http.server
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import quote

#: What is searched, and a page that has to be found.
EXPECTED = {
    "stream_with_context": "docs/reference/streaming.html",
    "deploy": "docs/how-to/deploy.html",
    "subdomain_matching": "docs/reference/api/asyncflask.html",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, and logs nothing."""

    def log_message(self, *args: object) -> None:
        """Write nothing."""


def found(browser: str, url: str) -> list[str]:
    """Return the pages that a search finds.

    Args:
        browser: The command of Chromium.
        url: The address of the search's page, with the words.
    """
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000"]
    done = subprocess.run(
        [browser, *options, "--dump-dom", url],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    results = re.findall(r'<li class="kind-\w+"><a href="([^"#?]+)', done.stdout)
    return list(dict.fromkeys(results))


def main(arguments: list[str]) -> int:
    """Search a site, and print what is not found."""
    (folder,) = arguments
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.stderr.write("The search is not tried, because there is no Chromium.\n")
        return 0
    handler = functools.partial(Quiet, directory=str(Path(folder).resolve()))
    missing = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for words, page in EXPECTED.items():
            url = f"http://127.0.0.1:{server.server_port}/search.html?q={quote(words)}"
            results = found(browser, url)
            if page not in results:
                missing.append(f"The search for {words!r} finds {results}, and not {page}.")
        server.shutdown()
    sys.stderr.write("".join(f"{line}\n" for line in missing))
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
