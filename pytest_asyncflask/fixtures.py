"""The fixtures. A fixture of the same name in a ``conftest.py`` or a test file replaces one."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from . import OPTION

try:
    import pytest_asyncio
except ImportError:  # The tests run with anyio's plugin.
    async_fixture = pytest.fixture
else:
    async_fixture = pytest_asyncio.fixture  # type: ignore[assignment]  # other keywords

if TYPE_CHECKING:
    from asyncflask import Flask
    from asyncflask.testing import TestApp, TestClient


@pytest.fixture
def app(request: pytest.FixtureRequest) -> Flask:
    """The app that `asyncflask_app` in pytest's configuration names, with `testing` set.

    Replace it with a fixture of your own to give the app another configuration.
    """
    named = request.config.getini(OPTION)
    if not named:
        _fail(
            request,
            "has no app",
            f'Write `{OPTION} = "module:create_app"` into [tool.pytest.ini_options] of'
            " pyproject.toml, or a fixture `app` that returns the app into conftest.py",
        )
    from asyncflask.cli import NoAppException, ScriptInfo

    # Not relative to the current directory: pytest may be started in another one.
    path = os.path.join(request.config.rootpath, named)
    info = ScriptInfo(path, set_debug_flag=False, load_dotenv_defaults=False)
    app: Any = None
    try:
        app = info.load_app()
    except NoAppException as error:
        reason = error.format_message().rstrip(".")
    if app is None:
        _fail(request, f"found no app at {OPTION}={named!r}", reason)
    app.testing = True
    return app  # type: ignore[no-any-return]  # `running` checks it


@pytest.fixture
def running(request: pytest.FixtureRequest, app: Flask) -> TestApp:
    """The app after its startup; its shutdown follows the test. It is what `test_app()` makes."""
    if not hasattr(app, "test_app"):
        _fail(
            request,
            f"needs an app of asyncflask, and `app` is {app!r}",
            "Import Flask from asyncflask, or write a fixture `client` into conftest.py",
        )
    # Each plugin runs its tests on a loop of its own, and the app must start on that loop.
    if "anyio_backend" in request.fixturenames:
        return _running_with_anyio(request)
    if not request.config.pluginmanager.hasplugin("asyncio"):
        _fail(
            request,
            "needs a plugin that runs `async def` tests",
            "Run `pip install pytest-asyncio`, or mark the tests with `pytest.mark.anyio`",
        )
    started: TestApp = request.getfixturevalue("_running_in_asyncio")
    return started


@pytest.fixture
def client(running: TestApp) -> TestClient:
    """A test client of the running app."""
    return running.test_client()


@async_fixture
async def _running_in_asyncio(app: Flask) -> AsyncIterator[TestApp]:
    async with app.test_app() as running:
        yield running


@pytest.fixture
async def _running_in_anyio(app: Flask) -> AsyncIterator[TestApp]:
    async with app.test_app() as running:
        yield running


def _running_with_anyio(request: pytest.FixtureRequest) -> TestApp:
    backend = request.getfixturevalue("anyio_backend")
    name = backend if isinstance(backend, str) else backend[0]
    if name != "asyncio":
        _fail(
            request,
            f"runs on asyncio, and anyio's backend is {name!r}",
            'Write a fixture `anyio_backend` that returns "asyncio" into conftest.py',
        )
    config = request.config
    if config.pluginmanager.hasplugin("asyncio") and "auto" in (
        config.getoption("asyncio_mode", None) or config.getini("asyncio_mode")
    ):
        # In that mode pytest-asyncio runs each asynchronous fixture on its own loop.
        _fail(
            request,
            "starts the app on the test's loop, which is anyio's, and pytest-asyncio is in auto"
            " mode",
            "Set `asyncio_mode` to `strict`, or remove the mark `anyio`",
        )
    started: TestApp = request.getfixturevalue("_running_in_anyio")
    return started


def _fail(request: pytest.FixtureRequest, what: str, remedy: str) -> NoReturn:
    pytest.fail(
        f"The fixture {request.fixturename!r} of asyncflask {what} (in {request.node.nodeid})."
        f" {remedy}.",
        pytrace=False,
    )
