"""The example app: a blog and a chat, in one asyncflask app.

``python -m examples`` (or ``make demo``) serves it. Whatever it stores lies in the instance folder
(``instance/`` beside this package): the database, uploaded pictures, and the key that signs
sessions. Delete the folder to start afresh.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asyncflask import Flask

from . import blog, chat, csrf


def create_app(config: Mapping[str, Any] | None = None, instance_path: str | None = None) -> Flask:
    """Make the app.

    Args:
        config: Put over the configuration below, by tests for example.
        instance_path: Where the app keeps its files, instead of the instance folder.
    """
    app = Flask(__name__, instance_path=instance_path)
    app.config.from_mapping(
        MAX_CONTENT_LENGTH=2 * 1024 * 1024,
        # Other sites cannot send the cookie along with a POST; csrf.py is the second lock.
        SESSION_COOKIE_SAMESITE="Lax",
        POSTS_PER_PAGE=5,
    )
    app.config.from_mapping(config or {})
    instance = Path(app.instance_path)
    instance.mkdir(parents=True, exist_ok=True)
    app.config.setdefault("DATABASE", str(instance / "blog.sqlite"))
    app.config.setdefault("PICTURES", str(instance / "pictures"))
    if app.secret_key is None:
        app.secret_key = _kept_secret(instance / "secret_key")

    csrf.init_app(app)
    blog.init_app(app)
    chat.init_app(app)
    return app


def _kept_secret(path: Path) -> str:
    """Return the key in the file ``path``, which is made if it is not there."""
    try:
        # Mode 600: nobody but the owner of the process may read it.
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(file, "w") as key:
        key.write(secrets.token_hex())
    return path.read_text()
