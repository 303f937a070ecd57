"""A blog: accounts, posts, pictures, a JSON API.

It is written as a Flask app is; about half of its views are ``def`` and half ``async def``. They
differ in two points: ``def`` views use the connection of ``get_db()`` and ``request.form``,
``async def`` views ``await query(…)`` and ``await request.form``.

- ``auth.py``: register, log in, log out, the profile with its picture
- ``posts.py``: read, write, edit and delete posts
- ``api.py``: the posts as JSON
- ``db.py``, ``schema.sql``: SQLite
- ``seed.py``: the first posts
- ``errors.py``: error pages
"""

from __future__ import annotations

from asyncflask import Flask

from . import api, auth, db, errors, posts, seed


def init_app(app: Flask) -> None:
    """Register the blog on ``app``."""
    db.init_app(app)
    seed.init_app(app)
    errors.init_app(app)
    app.register_blueprint(auth.bp)
    app.register_blueprint(posts.bp)
    app.register_blueprint(api.bp)
