"""A REST API of books: SQLAlchemy's asyncio extension, and flask-smorest for schemas and OpenAPI.

- ``models.py``: the tables
- ``db.py``: the engine, and a session for each request
- ``books.py``: schemas and views
- ``templates/docs.html``, ``static/docs.js``: a page that is made of ``/openapi.json``
"""

from __future__ import annotations

import asyncflask.flask

asyncflask.flask.install()  # flask-smorest imports flask, and must get asyncflask's.

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask_smorest import Api

from asyncflask import Flask, render_template

from .. import look
from . import books, db


def create_app(config: Mapping[str, Any] | None = None, instance_path: str | None = None) -> Flask:
    """Create the app.

    Args:
        config: ``DATABASE_URL``, any database that SQLAlchemy's asyncio extension supports.
        instance_path: Folder of the database, instead of the instance folder.
    """
    app = Flask(__name__, instance_path=instance_path)
    instance = Path(app.instance_path)
    instance.mkdir(parents=True, exist_ok=True)
    app.config.from_mapping(
        DATABASE_URL=f"sqlite+aiosqlite:///{instance / 'books.sqlite'}",
        API_TITLE="Books",
        API_VERSION="1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
    )
    app.config.from_mapping(config or {})
    db.init_app(app)
    app.register_blueprint(look.bp)
    Api(app).register_blueprint(books.bp)

    @app.get("/")
    async def docs() -> str:
        return render_template("docs.html")

    return app
