"""Accounts: register, log in, log out, the profile with its picture."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit
from zlib import crc32

from werkzeug.security import check_password_hash, generate_password_hash

from asyncflask import (
    Blueprint,
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    run_sync,
    send_from_directory,
    session,
    url_for,
)

from .db import get_db, query

bp = Blueprint("auth", __name__, template_folder="templates")

#: The first bytes of files of these kinds; a file's name proves nothing.
PICTURES = {
    ".png": b"\x89PNG\r\n\x1a\n",
    ".jpg": b"\xff\xd8\xff",
    ".gif": b"GIF8",
}
#: Checked if the user does not exist, so that the response takes as long as for a wrong password.
NO_PASSWORD = generate_password_hash(token_hex())


# -- the database ----------------------------------------------------------------------------------


def find_user(db: sqlite3.Connection, name: str) -> sqlite3.Row | None:
    """Return the user of this name."""
    user: sqlite3.Row | None
    user = db.execute("SELECT * FROM user WHERE name = ?", (name,)).fetchone()
    return user


def get_user(db: sqlite3.Connection, number: int) -> sqlite3.Row | None:
    """Return the user with this id."""
    user: sqlite3.Row | None
    user = db.execute("SELECT * FROM user WHERE id = ?", (number,)).fetchone()
    return user


def set_picture(db: sqlite3.Connection, number: int, picture: str) -> None:
    """Store the name of a user's picture."""
    with db:
        db.execute("UPDATE user SET picture = ? WHERE id = ?", (picture, number))


# -- who is it? ------------------------------------------------------------------------------------


@bp.before_app_request
def load_user() -> None:
    """Load the user who is logged in. A ``def`` hook, before ``def`` and ``async def`` views."""
    g.user = None
    if request.endpoint != "static" and "user_id" in session:
        g.user = get_user(get_db(), session["user_id"])


def login_required(view: Callable[..., Any]) -> Callable[..., Any]:
    """Send visitors to the log-in page. Works for ``def`` and ``async def`` views."""

    @functools.wraps(view)
    async def guarded(**values: Any) -> Any:
        if g.user is None:
            flash("Please log in first.", "info")
            return redirect(url_for("auth.login", next=request.full_path.rstrip("?")))
        return await current_app.ensure_async(view)(**values)

    return guarded


async def user_with_password(name: str, password: str) -> sqlite3.Row | None:
    """Return the user of this name if the password is right."""
    user = await query(find_user, name.strip())
    # In a thread: checking a password takes long, by design.
    right = await run_sync(check_password_hash)(user["password"] if user else NO_PASSWORD, password)
    return user if right else None


@bp.app_template_filter("hue")
def hue(name: str) -> int:
    """Return the colour of a name, which is the same on every page: an angle of CSS's hsl()."""
    return crc32(name.lower().encode()) % 360


# -- pages -----------------------------------------------------------------------------------------


@bp.route("/register", methods=["GET", "POST"])
def register() -> Any:
    """Create an account. A ``def`` view: nothing is awaited, as in Flask."""
    if request.method == "GET":
        return render_template("auth/register.html")
    name = request.form["name"].strip()
    email = request.form["email"].strip()
    password = request.form["password"]
    problem = number = None
    if not (1 <= len(name) <= 30 and name.isprintable()):
        problem = "A name has 1 to 30 characters."
    elif "@" not in email:
        problem = f"“{email}” is no e-mail address."
    elif len(password) < 8:
        problem = "A password has at least 8 characters."
    else:
        try:
            with get_db() as db:
                number = db.execute(
                    "INSERT INTO user (name, email, password) VALUES (?, ?, ?)",
                    (name, email, generate_password_hash(password)),
                ).lastrowid
        except sqlite3.IntegrityError:
            problem = f"The name {name} is taken."
    if problem is not None:
        flash(problem, "error")
        return render_template("auth/register.html"), 422
    session.clear()
    session["user_id"] = number
    flash(f"Welcome, {name}! You are logged in.", "success")
    return redirect(_own_page(request.args.get("next")))


@bp.get("/login")
async def login() -> Any:
    """Show the log-in page."""
    return render_template("auth/login.html")


@bp.post("/login")
async def log_in() -> Any:
    """Log in. An ``async def`` view: the form is awaited, and so are calls that take time."""
    form = await request.form
    user = await user_with_password(form["name"], form["password"])
    if user is None:
        flash("Name or password is wrong.", "error")
        return render_template("auth/login.html", name=form["name"]), 422
    session.clear()
    session["user_id"] = user["id"]
    flash(f"Hello, {user['name']}.", "success")
    return redirect(_own_page(request.args.get("next")))


def _own_page(path: str | None) -> str:
    """Return ``path`` if it is on this site: a link must not redirect to another site."""
    if path and path.startswith("/") and not urlsplit(path).netloc and "\\" not in path:
        return path
    return url_for("blog.index")


@bp.post("/logout")
async def logout() -> Any:
    """Log out."""
    session.clear()
    flash("You are logged out.", "success")
    return redirect(url_for("blog.index"))


@bp.get("/profile")
@login_required
def profile() -> Any:
    """Show the visitor's own account."""
    posts = get_db().execute("SELECT count(*) FROM post WHERE author_id = ?", (g.user["id"],))
    return render_template("auth/profile.html", posts=posts.fetchone()[0])


@bp.post("/profile/picture")
@login_required
async def upload_picture() -> Any:
    """Store a new picture for the visitor's profile."""
    picture = (await request.files).get("picture")
    if picture is None or not picture.filename:
        flash("Choose a picture first.", "error")
        return redirect(url_for("auth.profile"))
    start = picture.stream.read(16)
    picture.stream.seek(0)
    suffix = next((suffix for suffix, magic in PICTURES.items() if start.startswith(magic)), None)
    if suffix is None:
        flash("That is no PNG, JPEG or GIF picture.", "error")
        return redirect(url_for("auth.profile"))
    folder = Path(current_app.config["PICTURES"])
    folder.mkdir(exist_ok=True)
    name = token_hex(8) + suffix  # Never the client's file name.
    await picture.save(folder / name)
    await query(set_picture, g.user["id"], name)
    if g.user["picture"]:
        (folder / g.user["picture"]).unlink(missing_ok=True)
    flash("That is you now.", "success")
    return redirect(url_for("auth.profile"))


@bp.get("/pictures/<name>")
def picture(name: str) -> Any:
    """Send an uploaded picture."""
    response = send_from_directory(current_app.config["PICTURES"], name, max_age=3600)
    # The browser must use the type that was found, and not search for HTML in the file.
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@bp.get("/users/<name>")
def user(name: str) -> Any:
    """Show a user and their latest posts."""
    db = get_db()
    found = find_user(db, name)
    if found is None:
        abort(404, f"There is no user {name}.")
    posts = db.execute(
        "SELECT id, title, created FROM post WHERE author_id = ? ORDER BY id DESC LIMIT 20",
        (found["id"],),
    ).fetchall()
    return render_template("auth/user.html", user=found, posts=posts)
