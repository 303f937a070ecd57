"""A wish list with Flask-Login, Flask-SQLAlchemy and Flask-WTF, and one ``async def`` view.

The app is written for Flask, and runs on asyncflask's facade: only the import differs. One page
asks another service for the price of each wish; its view is ``async def`` and asks for all prices
at once.

- ``models.py``: the tables, by Flask-SQLAlchemy
- ``forms.py``: the forms, by Flask-WTF
- ``views.py``: the pages; Flask-Login protects them
"""

from __future__ import annotations

import asyncflask.flask

asyncflask.flask.install()  # The extensions import flask, and must get asyncflask's.

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask_login import LoginManager
from flask_wtf import CSRFProtect

from asyncflask.flask import Flask

from .. import look
from .models import User, db
from .views import bp


def create_app(config: Mapping[str, Any] | None = None, instance_path: str | None = None) -> Flask:
    """Create the app.

    Args:
        config: Overrides the configuration below.
        instance_path: Folder of the database, instead of the instance folder.
    """
    app = Flask(__name__, instance_path=instance_path)
    instance = Path(app.instance_path)
    instance.mkdir(parents=True, exist_ok=True)
    app.config.from_mapping(
        SECRET_KEY=secrets.token_hex(),  # A restart logs everyone out.
        SESSION_COOKIE_SAMESITE="Lax",
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{instance / 'wishes.sqlite'}",
        MAX_CONTENT_LENGTH=100_000,
    )
    app.config.from_mapping(config or {})

    db.init_app(app)
    with app.app_context():
        db.create_all()
    CSRFProtect(app)
    login = LoginManager(app)
    login.login_view = "wishes.log_in"
    login.user_loader(lambda number: db.session.get(User, int(number)))
    app.register_blueprint(look.bp)
    app.register_blueprint(bp)
    return app
