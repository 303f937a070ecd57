"""The example app with an instance folder of its own, and clients of it."""

from __future__ import annotations

from contextlib import closing

import pytest
from werkzeug.security import generate_password_hash

from examples import create_app
from examples.blog.db import connect
from tests.forks import runner

PASSWORD = "correct horse"
HASH = generate_password_hash(PASSWORD, "pbkdf2:sha256:1000")  # quick, for tests


@pytest.fixture(scope="session")
def run_pytest():
    """Run pytest in a process of its own, without the plugins that pages do not use."""
    with runner("pytest_asyncio.plugin", "pytest_asyncflask") as run:
        yield run


@pytest.fixture
async def app(tmp_path):
    app = create_app(
        {"TESTING": True, "SECRET_KEY": "test", "SEED": False}, instance_path=str(tmp_path)
    )
    async with app.test_app():
        yield app


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def log_in(app):
    """Return a function that creates an account and a client that is logged in."""

    async def log_in(name):
        with closing(connect(app.config["DATABASE"])) as db, db:
            number = db.execute(
                "INSERT INTO user (name, email, password) VALUES (?, ?, ?)",
                (name, f"{name}@example.org", HASH),
            ).lastrowid
        client = app.test_client()
        async with client.session_transaction() as session:
            session["user_id"] = number
        return client

    return log_in


@pytest.fixture
async def ada(log_in):
    return await log_in("ada")
