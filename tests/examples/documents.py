"""Code in documents: the code of a section is written into files, imported and run.

In a section (from one ``##`` heading to the next) all ``python`` blocks make one module. A block
under a line with a file's name and a colon is written into that file. In ``console`` blocks the
``curl`` commands are run against the section's app, and their output is compared.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import inspect
import re
import shlex
import sys
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

PROJECT = Path(__file__).parents[2]
#: Options of pytest for the tests of a page.
QUIET = ("-q", "-p", "no:cacheprovider")
AUTO = ("-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")
BLOCK = re.compile(r"(?:^`([\w/.-]+)`:\n\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = {"notes.txt": b"Twelve chars"}


@dataclass
class Section:
    """The code of one section of a document."""

    document: str
    title: str
    python: str = ""
    files: dict[str, str] = field(default_factory=dict)
    commands: list[tuple[str, str]] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.document}: {self.title}"


def sections(document):
    """Return the sections of a document that show Python."""
    text = (PROJECT / document).read_text()
    found = []
    for part in re.split(r"^(?=## )", text, flags=re.MULTILINE):
        section = Section(document, part.partition("\n")[0].strip("# "))
        for name, language, code in BLOCK.findall(part):
            if language == "python":
                section.python += code
            elif language == "console":
                section.commands += _commands(code)
            elif name:
                section.files[name] = code
        if section.python:
            found.append(section)
    return found


def blocks(document):
    """Return the ``python`` blocks of a document by section; before the first one, by ``""``."""
    found = {}
    for part in re.split(r"^(?=## )", (PROJECT / document).read_text(), flags=re.MULTILINE):
        title = part.partition("\n")[0].removeprefix("## ") if part.startswith("## ") else ""
        codes = [code for _, language, code in BLOCK.findall(part) if language == "python"]
        if codes:
            found[title] = codes
    return found


def without_code(text):
    """Return a document without its blocks of code and its code in lines."""
    return re.sub(r"^( *)```.*?^\1```$|`[^`\n]+`", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(path):
    """Return the anchors that a Markdown viewer gives a page's headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


async def execute(code, names):
    """Execute a block in a namespace; it may have ``await`` outside of functions.

    So a page need not repeat imports and fixtures in each block.
    """
    compiled = compile(code, "<document>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(compiled, names)
    if inspect.isawaitable(result):
        await result


def _commands(code):
    """Split a block into pairs of ``$ command`` and its output."""
    for entry in re.split(r"^\$ ", code, flags=re.MULTILINE)[1:]:
        command, _, output = entry.partition("\n")
        if command.startswith("curl "):
            yield command, output


def load(section, folder):
    """Write a section's files into ``folder``, and import its module."""
    for name, content in section.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    path = folder / "app.py"
    path.write_text(section.python)
    spec = importlib.util.spec_from_file_location("documented_app", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["documented_app"] = module  # Flask(__name__) reads its folder from there.
    spec.loader.exec_module(module)
    return module


CURL = argparse.ArgumentParser(prog="curl")
CURL.add_argument("url")
CURL.add_argument("-d", action="append", dest="fields")
CURL.add_argument("-F", action="append", dest="uploads")
CURL.add_argument("--json")
CURL.add_argument("-L", action="store_true", dest="follow")
CURL.add_argument("-N", action="store_true")
CURL.add_argument("-b")
CURL.add_argument("-c")


def clients_of(app):
    """Return clients for :func:`curl`: one without cookies, and one that keeps them."""
    return app.test_client(use_cookies=False), app.test_client()


async def curl(clients, command):
    """Send the request of a ``curl`` command, and return the body of the response."""
    options = CURL.parse_args(shlex.split(command)[1:])
    client = clients[bool(options.b or options.c)]
    url = urlsplit(options.url)
    request = {"method": "GET"}
    if options.fields:
        fields = [field.split("=", 1) for field in options.fields]
        data = {name: [v for n, v in fields if n == name] for name, _ in fields}
        request = {"method": "POST", "data": data}
    elif options.json:
        request = {"method": "POST", "data": options.json, "content_type": "application/json"}
    elif options.uploads:
        pairs = [upload.split("=@", 1) for upload in options.uploads]
        request = {"method": "POST", "data": {n: (BytesIO(FILES[f]), f) for n, f in pairs}}
    response = await client.open(
        url.path, query_string=url.query, follow_redirects=options.follow, **request
    )
    return response.text
