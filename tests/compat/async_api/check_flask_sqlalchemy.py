"""Flask-SQLAlchemy on the async API: in the request's thread.

A query blocks, and a session belongs to the app context. In an ``async def`` view write
``await current_app.ensure_async(query)(...)`` around a ``def`` function with the queries, or write the view with
``def``. In debug mode the log names a view that queries on the event loop for over 100 ms.
"""

import asyncio

import pytest
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from asyncflask import Flask, current_app, request


@pytest.fixture
def db():
    class Base(DeclarativeBase):
        pass

    return SQLAlchemy(model_class=Base)


@pytest.fixture
def app(db, tmp_path):
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/shop.db"
    db.init_app(app)

    class Tea(db.Model):
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]

    with app.app_context():
        db.create_all()

    def names():
        return list(db.session.scalars(db.select(Tea.name).order_by(Tea.id)))

    def add(name):
        db.session.add(Tea(name=name))
        db.session.commit()

    @app.post("/async")
    async def add_on_the_loop():
        await current_app.ensure_async(add)((await request.form)["name"])
        return await current_app.ensure_async(names)()

    @app.post("/def")
    def add_in_a_thread():
        add(request.form["name"])
        return names()

    @app.get("/<int:id>")
    def by_id(id):
        return db.get_or_404(Tea, id).name

    @app.get("/pages")
    def pages():
        return [tea.name for tea in db.paginate(db.select(Tea), per_page=1)]

    yield app
    with app.app_context():
        db.engine.dispose()


async def test_an_async_view_hands_its_queries_to_the_requests_thread(app):
    client = app.test_client()

    assert (await client.post("/async", data={"name": "Assam"})).json == ["Assam"]


async def test_a_def_view_needs_nothing(app):
    client = app.test_client()

    assert (await client.post("/def", data={"name": "Assam"})).json == ["Assam"]


async def test_requests_at_once_have_sessions_of_their_own(app):
    client = app.test_client()
    names = [f"tea {n}" for n in range(10)]
    await asyncio.gather(*(client.post("/async", data={"name": name}) for name in names))
    last = await client.post("/async", data={"name": "last"})

    assert sorted(last.json) == sorted([*names, "last"])


async def test_what_is_not_there_is_a_404(app):
    assert (await app.test_client().get("/7")).status_code == 404


async def test_pages(app):
    client = app.test_client()
    for name in ("Assam", "Ceylon"):
        await client.post("/def", data={"name": name})

    assert (await client.get("/pages?page=2")).json == ["Ceylon"]
