"""Uploads of large files: a progress bar in the browser, and a body that is streamed to the disk.

The browser sends the file itself as the body of a PUT, without a form around it. The view writes it
piece by piece, so an upload takes as little memory as its largest piece, and a client that sends
faster than the disk writes is slowed down.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.utils import secure_filename

from asyncflask import (
    Flask,
    abort,
    render_template,
    request,
    run_sync,
    send_from_directory,
    url_for,
)
from asyncflask.typing import ResponseReturnValue

from .. import look

MEGABYTE = 1_000_000


def create_app(config: Mapping[str, Any] | None = None, instance_path: str | None = None) -> Flask:
    """Create the app.

    Args:
        config: ``MAX_CONTENT_LENGTH``, the largest file in bytes; ``KEPT``, how many files are
            kept; ``UPLOADS``, their folder.
        instance_path: Folder of the app's files, instead of the instance folder.
    """
    app = Flask(__name__, instance_path=instance_path)
    app.config.from_mapping(
        MAX_CONTENT_LENGTH=200 * MEGABYTE,
        KEPT=10,
        UPLOADS=Path(app.instance_path) / "uploads",
    )
    app.config.from_mapping(config or {})
    folder = Path(app.config["UPLOADS"])
    folder.mkdir(parents=True, exist_ok=True)
    app.register_blueprint(look.bp)

    @app.get("/")
    def index() -> str:
        most = app.config["MAX_CONTENT_LENGTH"] / MEGABYTE
        return render_template("upload.html", files=newest_first(folder), most=most)

    # A page of another site cannot send a PUT: the browser would ask this site for permission.
    @app.put("/files/<name>")
    async def receive(name: str) -> ResponseReturnValue:
        name = secure_filename(name)  # It may be "../../etc/passwd".
        if not name:
            abort(400, "Give the file a name of letters and digits.")
        part = folder / f".{token_hex(8)}"
        try:
            with part.open("wb") as file:
                async for piece in request.body:
                    await run_sync(file.write)(piece)
            size = part.stat().st_size
            part.replace(folder / name)
        finally:
            # Of an upload that was cancelled, or is too large, nothing is left.
            part.unlink(missing_ok=True)
        await run_sync(remove_old_files)(folder, app.config["KEPT"])
        return {"name": name, "size": size, "url": url_for("send", name=name)}, 201

    @app.get("/files/<name>")
    def send(name: str) -> ResponseReturnValue:
        # As an attachment: a page that was uploaded must not run as one of this site.
        return send_from_directory(folder, name, as_attachment=True)

    @app.errorhandler(HTTPException)
    async def explain(error: HTTPException) -> ResponseReturnValue:
        if error.code == 413:
            most = app.config["MAX_CONTENT_LENGTH"] / MEGABYTE
            error.description = f"The file is too large: at most {most:g} MB are taken."
        return {"error": error.description}, error.code

    return app


def newest_first(folder: Path) -> list[Path]:
    """Return the files that were received completely."""
    files = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return sorted(files, key=lambda path: path.stat().st_mtime, reverse=True)


def remove_old_files(folder: Path, kept: int) -> None:
    """Remove all files but the newest ones."""
    for path in newest_first(folder)[kept:]:
        path.unlink(missing_ok=True)
