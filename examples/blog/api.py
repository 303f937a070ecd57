"""The posts as JSON.

Reading needs no account. Writing needs the session of a logged-in browser, or a name and a
password: ``curl -u name:password --json '{"title": "…"}' …/api/posts``.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from asyncflask import Blueprint, abort, current_app, g, request, url_for

from .auth import user_with_password
from .db import get_db, query
from .posts import add_post, get_post, list_posts, page_number, title_and_body

bp = Blueprint("api", __name__, url_prefix="/api")


def as_dict(post: sqlite3.Row) -> dict[str, Any]:
    """Return a post as the API shows it."""
    fields = {name: post[name] for name in ("id", "title", "body", "author", "created")}
    return {**fields, "url": url_for("blog.show", number=post["id"], _external=True)}


@bp.get("/posts")
async def list_all() -> Any:
    """List a page of posts; the dictionary is sent as JSON."""
    page = page_number()
    posts, pages = await query(list_posts, page, current_app.config["POSTS_PER_PAGE"])
    return {"posts": [as_dict(post) for post in posts], "page": page, "pages": pages}


@bp.get("/posts/<int:number>")
def get_one(number: int) -> Any:
    """Return one post."""
    return as_dict(get_post(get_db(), number))


@bp.post("/posts")
async def create() -> Any:
    """Publish a post."""
    author = await logged_in()
    fields = await request.get_json()
    if not isinstance(fields, dict):
        abort(400, 'Send an object: {"title": "…", "body": "…"}.')
    try:
        title, body = title_and_body(fields)
    except ValueError as problem:
        abort(422, str(problem))
    number = await query(add_post, author["id"], title, body)
    post = as_dict(await query(get_post, number))
    return post, 201, {"Location": url_for("api.get_one", number=number)}


async def logged_in() -> sqlite3.Row:
    """Return the user who is logged in by session or by password; otherwise answer 401."""
    user: sqlite3.Row | None = g.user
    if user is not None:
        return user
    given = request.authorization
    if given is not None and given.type == "basic":
        user = await user_with_password(given.username or "", given.password or "")
        if user is not None:
            return user
    raise Unauthorized(
        "Log in, or send a name and a password.",
        www_authenticate=WWWAuthenticate("basic", {"realm": "blog"}),
    )
