"""An app's configuration, logger and instance folder."""

from __future__ import annotations

import datetime
import logging

import flask
import pytest

from asyncflask import Flask


@pytest.fixture
def app():
    return Flask(__name__)


def test_attributes_read_and_set_the_configuration(app):
    app.testing = True
    app.secret_key = "k"
    app.config["PERMANENT_SESSION_LIFETIME"] = 60

    assert app.config["TESTING"] is True
    assert app.config["SECRET_KEY"] == "k"
    assert app.permanent_session_lifetime == datetime.timedelta(seconds=60)


def test_a_lifetime_may_be_a_timedelta(app):
    app.permanent_session_lifetime = datetime.timedelta(days=1)

    assert app.config["PERMANENT_SESSION_LIFETIME"] == app.permanent_session_lifetime


@pytest.mark.parametrize(("value", "debug"), [("1", True), ("0", False)])
def test_debug_mode_comes_from_the_environment(monkeypatch, value, debug):
    monkeypatch.setenv("FLASK_DEBUG", value)

    assert Flask(__name__).debug is debug


@pytest.mark.parametrize(("setting", "reload"), [(None, True), (False, False)])
def test_debug_mode_reloads_templates_unless_told_otherwise(app, setting, reload):
    app.config["TEMPLATES_AUTO_RELOAD"] = setting
    assert app.jinja_env.auto_reload is False
    app.debug = True

    assert app.jinja_env.auto_reload is reload


def test_a_config_file_beside_the_instance_is_found(tmp_path):
    (tmp_path / "own.cfg").write_text("SECRET_KEY = 'instance'")
    app = Flask(__name__, instance_path=str(tmp_path), instance_relative_config=True)
    app.config.from_pyfile("own.cfg")

    assert app.secret_key == "instance"


def test_the_instance_folder_is_that_of_flask(tmp_path):
    options = {"import_name": __name__, "root_path": str(tmp_path)}

    assert Flask(**options).instance_path == flask.Flask(**options).instance_path


def test_instance_resources_are_written_and_read(tmp_path):
    app = Flask(__name__, instance_path=str(tmp_path))
    with app.open_instance_resource("note.txt", "w") as file:
        file.write("Grüße")
    with app.open_instance_resource("note.txt") as file:
        assert file.read() == "Grüße".encode()


def test_the_logger_is_named_like_the_app():
    assert Flask("shop.web").logger is logging.getLogger("shop.web")
