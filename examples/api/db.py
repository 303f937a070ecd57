"""The database: one engine for the app, and one session for each request.

A view calls ``session()``, and awaits what it does with it. The session is closed at the end of the
request, which rolls back whatever was not committed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from asyncflask import Flask, current_app, g

from .models import FIRST, Base, Book


def init_app(app: Flask) -> None:
    """Open the database when the app starts, and close it when it stops."""
    engine = create_async_engine(app.config["DATABASE_URL"])
    new_session = async_sessionmaker(engine, expire_on_commit=False)
    app.extensions["new_session"] = new_session

    @app.while_serving
    async def database() -> AsyncGenerator[None]:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with new_session.begin() as db:
            if await db.scalar(select(Book.id).limit(1)) is None:
                db.add_all(Book(title=t, author=a, year=y) for t, a, y in FIRST)
        yield
        await engine.dispose()

    @app.teardown_appcontext
    async def close_session(error: BaseException | None) -> None:
        if "session" in g:
            await g.session.close()


def session() -> AsyncSession:
    """Return the session of this request."""
    if "session" not in g:
        g.session = current_app.extensions["new_session"]()
    found: AsyncSession = g.session
    return found
