"""Posts: read, write, edit, delete."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from asyncflask import (
    Blueprint,
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    url_for,
)

from .auth import login_required
from .db import get_db, query

bp = Blueprint("blog", __name__, template_folder="templates")

SELECT = """
    SELECT post.*, user.name AS author, user.picture
    FROM post JOIN user ON user.id = post.author_id
"""


# -- the database (also used by api.py) ------------------------------------------------------------


def list_posts(db: sqlite3.Connection, page: int, size: int) -> tuple[list[sqlite3.Row], int]:
    """Return one page of posts, the newest first, and how many pages there are."""
    (count,) = db.execute("SELECT count(*) FROM post").fetchone()
    rows = db.execute(f"{SELECT} ORDER BY post.id DESC LIMIT ? OFFSET ?", (size, (page - 1) * size))
    return rows.fetchall(), max(1, math.ceil(count / size))


def get_post(db: sqlite3.Connection, number: int) -> sqlite3.Row:
    """Return a post, or answer 404."""
    post: sqlite3.Row | None
    post = db.execute(f"{SELECT} WHERE post.id = ?", (number,)).fetchone()
    if post is None:
        abort(404, f"There is no post {number}.")
    return post


def add_post(db: sqlite3.Connection, author: int, title: str, body: str) -> int:
    """Store a post and return its id."""
    with db:
        cursor = db.execute(
            "INSERT INTO post (author_id, title, body) VALUES (?, ?, ?)", (author, title, body)
        )
    return cursor.lastrowid or 0


def change_post(db: sqlite3.Connection, number: int, title: str, body: str) -> None:
    """Store the changes of a post."""
    with db:
        db.execute("UPDATE post SET title = ?, body = ? WHERE id = ?", (title, body, number))


def delete_post(db: sqlite3.Connection, number: int) -> None:
    """Delete a post."""
    with db:
        db.execute("DELETE FROM post WHERE id = ?", (number,))


def title_and_body(fields: Mapping[str, Any]) -> tuple[str, str]:
    """Check the fields of a post, from a form or from JSON.

    Raises:
        ValueError: Something is missing or too long; the message is for the user.
    """
    title, body = fields.get("title"), fields.get("body", "")
    if not isinstance(title, str) or not 1 <= len(title.strip()) <= 100:
        raise ValueError("A post needs a title of 1 to 100 characters.")
    if not isinstance(body, str) or len(body) > 20_000:
        raise ValueError("The text of a post has at most 20,000 characters.")
    return title.strip(), body.replace("\r\n", "\n").strip()


def page_number() -> int:
    """Return ``?page=``, 1 if it is missing; answer 404 if it is not a page."""
    page = request.args.get("page", default=1, type=int)
    if not 1 <= page <= 1_000_000:
        abort(404)
    return page


# -- pages -----------------------------------------------------------------------------------------


@bp.app_template_filter("date")
def date(created: str) -> str:
    """Format a date for people."""
    return f"{datetime.fromisoformat(created):%d %B %Y, %H:%M}"


@bp.get("/")
async def index() -> Any:
    """Show a page of posts."""
    page = page_number()
    posts, pages = await query(list_posts, page, current_app.config["POSTS_PER_PAGE"])
    if page > pages:
        abort(404, f"There are {pages} pages.")
    return render_template("blog/index.html", posts=posts, page=page, pages=pages)


@bp.get("/posts/<int:number>")
def show(number: int) -> Any:
    """Show a post."""
    return render_template("blog/show.html", post=get_post(get_db(), number))


@bp.route("/posts/new", methods=["GET", "POST"])
@login_required
def create() -> Any:
    """Write a post; a ``def`` view."""
    if request.method == "GET":
        return render_template("blog/edit.html", post={})
    try:
        title, body = title_and_body(request.form)
    except ValueError as problem:
        flash(str(problem), "error")
        return render_template("blog/edit.html", post=request.form), 422
    number = add_post(get_db(), g.user["id"], title, body)
    flash("Published.", "success")
    return redirect(url_for("blog.show", number=number))


@bp.route("/posts/<int:number>/edit", methods=["GET", "POST"])
@login_required
async def edit(number: int) -> Any:
    """Edit a post; the same as an ``async def`` view."""
    post = own(await query(get_post, number))
    if request.method == "GET":
        return render_template("blog/edit.html", post=post)
    form = await request.form
    try:
        title, body = title_and_body(form)
    except ValueError as problem:
        flash(str(problem), "error")
        return render_template("blog/edit.html", post={**post, **form.to_dict()}), 422
    await query(change_post, number, title, body)
    flash("Changed.", "success")
    return redirect(url_for("blog.show", number=number))


@bp.post("/posts/<int:number>/delete")
@login_required
async def delete(number: int) -> Any:
    """Delete a post."""
    own(await query(get_post, number))
    await query(delete_post, number)
    flash("Deleted.", "success")
    return redirect(url_for("blog.index"))


def own(post: sqlite3.Row) -> sqlite3.Row:
    """Return the post if it is the visitor's own; otherwise answer 403."""
    if post["author_id"] != g.user["id"]:
        abort(403, f"This post is {post['author']}'s.")
    return post
