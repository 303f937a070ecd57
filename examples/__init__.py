"""The example app: a blog and a chat, in one asyncflask app; a dashboard and uploads beside them.

``python -m examples`` (or ``make demo``) serves it. Its files are in the instance folder
(``instance/`` beside this package): the database, pictures, uploads, and the key that signs
sessions. Delete the folder to start with an empty app.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asyncflask import Flask

from . import blog, chat, csrf, dashboard, upload


def create_app(config: Mapping[str, Any] | None = None, instance_path: str | None = None) -> Flask:
    """Create the app.

    Args:
        config: Overrides the configuration below, for example in tests.
        instance_path: Folder of the app's files, instead of the instance folder.
    """
    app = Flask(__name__, instance_path=instance_path)
    app.config.from_mapping(
        MAX_CONTENT_LENGTH=2 * 1024 * 1024,
        # A POST from another site does not carry the cookie; csrf.py is the second protection.
        SESSION_COOKIE_SAMESITE="Lax",
        POSTS_PER_PAGE=5,
        SEED=True,  # A new blog has some posts.
        # The chat's messages stay in this process, unless another engine is named.
        CHANNELS_URL=os.environ.get("CHANNELS_URL", "memory://"),
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
    app.mount("/dashboard", dashboard.create_app())
    app.mount("/upload", upload.create_app(instance_path=str(instance)))
    return app


def _kept_secret(path: Path) -> str:
    """Return the key in the file ``path``, which is created if it does not exist."""
    try:
        # Mode 600: only the owner of the process may read it.
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(file, "w") as key:
        key.write(secrets.token_hex())
    return path.read_text()
