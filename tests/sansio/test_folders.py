"""The folders and files of apps and blueprints; most tests run on both."""

from __future__ import annotations

import datetime
import io

import pytest
from werkzeug.exceptions import NotFound

from asyncflask import Flask
from asyncflask.concurrency.inspection import is_async

from .conftest import make


@pytest.mark.parametrize("kind", ["app", "blueprint"])
@pytest.mark.parametrize(
    ("folder", "url", "expected"),
    [
        (None, None, None),
        ("static", None, "/static"),
        ("assets/deep/", None, "/deep"),
        ("static", "/files/", "/files"),
        ("static", "", ""),
    ],
)
def test_the_static_url_follows_the_folder_unless_given(kind, folder, url, expected):
    scaffold = make(kind, static_folder=folder, static_url_path=url)

    assert scaffold.static_url_path == expected


def test_folders_may_be_paths(tmp_path, scaffold):
    scaffold.static_folder = tmp_path / "elsewhere"

    assert scaffold.static_folder == str(tmp_path / "elsewhere")
    assert scaffold.has_static_folder


def test_without_a_folder_there_is_no_static_file(scaffold):
    with pytest.raises(
        RuntimeError, match=r"'shop'> has no static folder to send 'a\.txt' from\. "
    ):
        scaffold.send_static_file("a.txt")


def test_a_static_file_is_sent(tmp_path, scaffold):
    (tmp_path / "a.txt").write_text("a")
    scaffold.static_folder = "."

    with Flask("app").test_request_context(), scaffold.send_static_file("a.txt") as response:
        assert response.mimetype == "text/plain"
        with pytest.raises(NotFound, match="404"):
            scaffold.send_static_file("../a.txt")


@pytest.mark.parametrize(
    ("value", "seconds"), [(None, None), (60, 60), (datetime.timedelta(hours=1), 3600)]
)
def test_the_age_of_files_is_configured(scaffold, value, seconds):
    app = Flask("app")
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = value

    with app.app_context():
        assert scaffold.get_send_file_max_age("a.txt") == seconds


def test_the_age_of_files_may_depend_on_their_name(tmp_path):
    class Own(Flask):
        def get_send_file_max_age(self, filename):
            return 7 if filename.endswith(".css") else None

    for name in ("a.css", "a.txt"):
        (tmp_path / name).write_text("")
    app = Own("app", root_path=str(tmp_path), static_folder=".")

    with app.test_request_context():
        assert app.send_static_file("a.css").cache_control.max_age == 7
        assert app.send_static_file("a.txt").cache_control.max_age is None


def test_templates_are_looked_for_in_the_own_folder(tmp_path, scaffold):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "a.html").write_text("")
    scaffold.template_folder = "pages"

    assert scaffold.jinja_loader.list_templates() == ["a.html"]


def test_without_a_template_folder_there_is_no_loader(scaffold):
    assert scaffold.jinja_loader is None


@pytest.mark.parametrize(("mode", "content"), [("rb", b"\xc3\xbc"), ("r", "ü"), ("rt", "ü")])
def test_a_resource_is_read(tmp_path, scaffold, mode, content):
    (tmp_path / "a.txt").write_bytes(b"\xc3\xbc")

    with scaffold.open_resource("a.txt", mode, encoding="utf-8") as file:
        assert file.read() == content


def test_a_blueprints_resource_is_utf_8_by_default_as_in_flask(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xc3\xbc")

    with make("blueprint", root_path=str(tmp_path)).open_resource("a.txt", "r") as file:
        assert isinstance(file, io.TextIOWrapper)
        assert file.encoding.lower() == "utf-8"


def test_a_resource_is_not_written(scaffold):
    with pytest.raises(ValueError, match=r"open_resource\('a'\) was called with mode='w'.*only\."):
        scaffold.open_resource("a", "w")


def test_the_static_views_need_no_worker():
    """Finding a file is quick; it is read by the response, off the loop."""
    app = make("app", static_folder="static")
    app.register_blueprint(make("blueprint", static_folder="static"))

    assert app.view_functions.keys() == {"static", "shop.static"}
    assert all(is_async(view) for view in app.view_functions.values())
