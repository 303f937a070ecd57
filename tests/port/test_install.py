"""Where `install()` is called: before anything imports an extension."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Port

CALL = "asyncflask.flask.install()"
TEST = """\
from flask import Flask
from flask_login import LoginManager


def test_app():
    assert Flask(__name__)
"""


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize("conftest", ["tests/conftest.py", "tests/unit/conftest.py"])
def test_where_tests_make_apps_their_conftest_calls_it(
    conftest: str, tmp_path: Path, port: Port
) -> None:
    write(tmp_path, {"ext.py": "import flask\n", conftest: "", "tests/unit/test_ext.py": TEST})
    write(tmp_path, {"examples/app.py": "from flask import Flask\n\napp = Flask(__name__)\n"})

    port("--write", ".")

    assert CALL in (tmp_path / conftest).read_text()
    assert CALL not in (tmp_path / "tests/unit/test_ext.py").read_text()
    assert CALL not in (tmp_path / "ext.py").read_text()


def test_a_test_without_conftest_calls_it_itself(tmp_path: Path, port: Port) -> None:
    write(tmp_path, {"test_ext.py": TEST})

    port("--write", ".")

    assert CALL in (tmp_path / "test_ext.py").read_text()


def test_a_package_of_the_project_is_no_extension_that_it_uses(tmp_path: Path, port: Port) -> None:
    write(
        tmp_path,
        {
            "flask_own/__init__.py": "from flask import Flask\n",
            "app.py": "from flask import Flask\nimport flask_own\n\napp = Flask(__name__)\n",
        },
    )

    report = port("--write", ".").output

    assert "flask-own" not in report
    assert CALL not in (tmp_path / "app.py").read_text()


def test_a_test_that_reads_the_environ_is_named(tmp_path: Path, port: Port) -> None:
    code = """\
from flask import Flask, request

app = Flask(__name__)


def test_environ():
    with app.test_request_context("/"):
        assert request.environ["PATH_INFO"] == "/"
    assert app.test_client().get("/").status_code == 404
"""
    write(tmp_path, {"test_app.py": code})

    report = port("--to", "async", ".").output

    assert "test_app.py:8: `request.environ` in `test_environ`: the async API has no" in report


def test_a_flask_project_with_one_module_for_quart_is_ported_to_the_facade(
    tmp_path: Path, port: Port
) -> None:
    files = {"a.py": "import flask\n", "b.py": "import flask\n", "c.py": "import quart\n"}
    write(tmp_path, files)

    port("--write", ".")

    assert (tmp_path / "a.py").read_text() == "import asyncflask.flask as flask\n"
    assert (tmp_path / "c.py").read_text() == "import quart\n"
