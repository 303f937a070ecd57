"""Extensions for Flask on the async API: those that are quick to install, and the page about them.

``python -m tests.compat`` tests all of them. They run in a process of their own, in which asyncflask is installed as
``flask``.
"""

from __future__ import annotations

import sys

from tests.compat.async_api import runner

HERE = ["flask-cors", "flask-login", "flask-wtf", "page"]


def test_extensions_work_beside_async_views():
    found = runner.check(sys.executable, HERE)

    assert {name: of["worse"] for name, of in found.items()} == dict.fromkeys(HERE, {})

    assert all(of["passed"] for of in found.values())


def test_the_page_has_each_extension_that_was_tried_and_its_notes():
    page = (runner.PROJECT / "docs/reference/extensions.md").read_text()

    for name in runner.EXTENSIONS:
        assert f"- **{name}**: " in page, f"{name}: run `python -m tests.compat async-api`"


def test_a_report_that_is_missing_counts_nothing(tmp_path):
    assert runner.read_report(tmp_path / "none.xml", ["flask-login"]) == {
        "flask-login": {"passed": 0, "total": 0, "worse": {}}
    }
