"""The command that checks the links of the built site finds what is wrong, and nothing else."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from .documents import PROJECT


@pytest.fixture(scope="module")
def command():
    spec = importlib.util.spec_from_file_location("check_links", PROJECT / "docs/check_links.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["check_links"] = module  # A dataclass looks there for its module.
    spec.loader.exec_module(module)
    yield module
    del sys.modules["check_links"]


@pytest.fixture
def mistakes(command, tmp_path):
    """Return what is wrong with a site of one page that has this body, beside another page."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "other.html").write_text('<h1 id="title">Other</h1>')
    (tmp_path / "a.png").touch()

    def mistakes(body="", **files):
        (tmp_path / "index.html").write_text(f"<body>{body}</body>")
        for name, text in files.items():
            (tmp_path / name.replace("_", ".")).write_text(text)
        return command.check(tmp_path)

    return mistakes


@pytest.mark.parametrize(
    "body",
    [
        '<a href="sub/other.html">',
        '<a href="sub/other.html#title">',
        '<a href="#here"><p id="here">',
        '<a href="https://example.org/a?b=c#d">',
        '<a href="http://127.0.0.1:5000/">',
        '<a href="mailto:ada@example.org">',
        '<img src="a.png">',
        '<img src="data:image/png;base64,AA">',
        '<link rel="canonical" href="https://example.org/">',
        "<script>var text = 'https://example.org/';</script>",
    ],
)
def test_a_correct_page_has_no_mistakes(mistakes, body):
    assert mistakes(body) == []


@pytest.mark.parametrize(
    ("body", "mistake"),
    [
        ('<a href="missing.html">', "'missing.html' leads to no file"),
        ('<a href="sub/other.html#none">', "names no id of other.html"),
        ('<a href="#none">', "'#none' names no id of index.html"),
        ('<a href="https://example">', "'https://example' is not a whole URL"),
        ('<a href="https://example.org/a b">', "is not a whole URL"),
        ('<a href="//example.org/">', "is not a whole URL"),
        ('<a href="javascript:go()">', "has another scheme"),
        ('<img src="b.png">', "'b.png' is loaded and is no file"),
        ('<img src="https://example.org/a.png">', "is loaded from another site"),
        ('<script src="//example.org/a.js"></script>', "is loaded from another site"),
        ('<link rel="stylesheet" href="https://example.org/a.css">', "loaded from another site"),
        ('<script>import m from "https://example.org/m.mjs"</script>', "loaded from another site"),
        ('<style>p {background: url("https://example.org/a")}</style>', "loaded from another site"),
        ('<p style="background: url(https://example.org/a)">', "loaded from another site"),
    ],
)
def test_a_mistake_is_named_with_its_page(mistakes, body, mistake):
    (found,) = mistakes(body)

    assert found.startswith("index.html: ")
    assert mistake in found


def test_styles_and_scripts_load_nothing_from_other_sites(mistakes):
    style = '@import "https://example.org/a.css"; p {background: url(a.png)}'
    script = 'await import("https://example.org/a.mjs"); fetch("a.png");'

    assert [line.partition(": ")[0] for line in mistakes(a_css=style, a_js=script)] == [
        "a.css",
        "a.js",
    ]


def test_the_command_fails_if_there_is_a_mistake(command, mistakes, tmp_path, capsys):
    assert mistakes('<a href="missing.html">')

    assert command.main([str(tmp_path)]) == 1
    assert "leads to no file" in capsys.readouterr().err
    mistakes()
    assert command.main([str(tmp_path)]) == 0
