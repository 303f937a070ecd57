"""The fixtures of the pytest plugin, in projects that pytester makes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

SHOP = """
import asyncio
from asyncflask import Flask, current_app

def create_app(title="Shop"):
    app = Flask(__name__)
    app.config["TITLE"] = title

    @app.before_serving
    async def begin():
        app.config["LOOP"] = asyncio.get_running_loop()

    @app.after_serving
    async def end():
        assert app.config["LOOP"] is asyncio.get_running_loop()
        print("closed")

    @app.get("/")
    async def index():
        assert current_app.config["LOOP"] is asyncio.get_running_loop()
        return current_app.config["TITLE"]

    return app
"""
USES_CLIENT = """
async def test_client(client):
    assert (await client.get("/")).text == "Shop"
"""
OPTIONS = ["-p", "pytest_asyncflask", "-p", "no:cacheprovider", "-p", "no:randomly", "-W", "error"]
AUTO = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
"""
STRICT = AUTO.replace("auto", "strict")
NAMED = "asyncflask_app = shop:create_app\n"

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Run pytest in a project with ``shop.py``, this configuration, and these test files."""

    def run(ini: str, *options: str, **files: str) -> pytest.RunResult:
        pytester.makeini(ini)
        pytester.makepyfile(shop=SHOP, **files)
        return pytester.runpytest_inprocess(*OPTIONS, *options)

    return run


def test_the_app_is_the_one_that_the_configuration_names(run: Run) -> None:
    tests = """
    async def test_app(app, client, running):
        assert (await client.get("/")).text == "Shop"
        assert running.app is app and app.testing
    """

    run(AUTO + NAMED, test_shop=tests).assert_outcomes(passed=1)


def test_a_factory_takes_arguments_as_on_the_command_line(run: Run) -> None:
    named = 'asyncflask_app = shop:create_app("Tea: at /tea")\n'
    tests = USES_CLIENT.replace('"Shop"', '"Tea: at /tea"')

    run(AUTO + named, test_shop=tests).assert_outcomes(passed=1)


def test_the_app_is_found_from_another_folder(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = pytester.mkdir("tests")
    (folder / "test_shop.py").write_text(USES_CLIENT)
    pytester.makeini(AUTO + NAMED)
    pytester.makepyfile(shop=SHOP)
    monkeypatch.chdir(folder)

    pytester.runpytest_inprocess(*OPTIONS).assert_outcomes(passed=1)


def test_the_projects_own_fixtures_win(run: Run) -> None:
    conftest = """
    import pytest
    from shop import create_app

    @pytest.fixture
    def app():
        return create_app("Own")
    """
    tests = """
    import pytest

    async def test_own_app(client):
        assert (await client.get("/")).text == "Own"

    class TestOwnClient:
        @pytest.fixture
        def client(self):
            return "my own"

        def test_client(self, client):
            assert client == "my own"
    """

    run(AUTO + NAMED, conftest=conftest, test_shop=tests).assert_outcomes(passed=2)


def test_fixtures_in_a_module_of_the_project_win(run: Run) -> None:
    fixtures = """
    import pytest
    from shop import create_app

    @pytest.fixture
    def app():
        return create_app()
    """

    done = run(
        AUTO,
        conftest='pytest_plugins = ["own_fixtures"]',
        own_fixtures=fixtures,
        test_shop=USES_CLIENT,
    )

    done.assert_outcomes(passed=1)


# -- plugins that run the tests --------------------------------------------------------------------

BOTH = """
import pytest

@pytest.mark.asyncio
async def test_asyncio(client):
    assert (await client.get("/")).text == "Shop"

@pytest.mark.anyio
async def test_anyio(client):
    assert (await client.get("/")).text == "Shop"
"""
BACKEND = """
import pytest

@pytest.fixture
def anyio_backend():
    return {backend}
"""


@pytest.mark.parametrize("backend", ['"asyncio"', '("asyncio", {"debug": True})'])
def test_the_app_starts_and_stops_on_the_loop_of_the_test(run: Run, backend: str) -> None:
    conftest = BACKEND.format(backend=backend)

    done = run(STRICT + NAMED, "-rP", conftest=conftest, test_shop=BOTH)

    done.assert_outcomes(passed=2)
    assert done.stdout.str().count("\nclosed\n") == 2


def test_in_auto_mode_the_app_starts_and_stops_on_the_loop_of_the_test(run: Run) -> None:
    done = run(AUTO + NAMED, "-rP", test_shop=USES_CLIENT)

    done.assert_outcomes(passed=1)
    assert done.stdout.str().count("\nclosed\n") == 1


def test_a_loop_that_the_test_does_not_run_on_is_refused(run: Run) -> None:
    """pytest-asyncio's auto mode takes the asynchronous fixtures of anyio's tests."""
    conftest = BACKEND.format(backend='"asyncio"')

    done = run(AUTO + NAMED, conftest=conftest, test_shop=BOTH)

    done.assert_outcomes(passed=1, errors=1)
    done.stdout.fnmatch_lines("*which is anyio's, and * auto mode (in * `strict`, or remove *")


def test_without_pytest_asyncio_anyio_runs_the_tests(run: Run) -> None:
    conftest = BACKEND.format(backend='"asyncio"')
    tests = BOTH.replace("@pytest.mark.asyncio", "@pytest.mark.anyio")

    done = run(f"[pytest]\n{NAMED}", "-p", "no:asyncio", conftest=conftest, test_shop=tests)

    done.assert_outcomes(passed=2)


def test_an_app_of_the_facade_has_flasks_client(run: Run) -> None:
    conftest = """
    import pytest
    from asyncflask.flask import Flask

    @pytest.fixture
    def app():
        app = Flask("shop")
        app.add_url_rule("/", view_func=lambda: "Facade")
        return app
    """
    tests = 'def test_client(client): assert client.get("/").text == "Facade"'

    # Other tests of this process may have imported the real Flask.
    done = run(STRICT, "-W", "ignore::RuntimeWarning", conftest=conftest, test_shop=tests)

    done.assert_outcomes(passed=1)


def test_an_error_of_the_startup_fails_the_test(run: Run) -> None:
    conftest = """
    import pytest
    from asyncflask import Flask

    @pytest.fixture
    def app():
        app = Flask("shop")

        @app.before_serving
        async def begin():
            raise LookupError("no database")

        return app

    @pytest.fixture
    def anyio_backend():
        return "asyncio"
    """

    done = run(STRICT, conftest=conftest, test_shop=BOTH)

    done.assert_outcomes(errors=2)
    assert done.stdout.str().count("LookupError: no database") >= 2


# -- mistakes --------------------------------------------------------------------------------------


def test_without_an_app_the_error_says_what_to_write(run: Run) -> None:
    done = run(AUTO, test_shop=USES_CLIENT)

    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(
        "The fixture 'app' of asyncflask has no app (in test_shop.py::test_client). Write"
        ' `asyncflask_app = "module:create_app"` into * or a fixture `app` *'
    )


def test_a_name_that_leads_to_no_app_is_in_the_error(run: Run) -> None:
    done = run(f"{AUTO}asyncflask_app = shop:made_up\n", test_shop=USES_CLIENT)

    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(
        "*'app' of asyncflask found no app at asyncflask_app='shop:made_up' (in *'made_up'. Check*"
    )


def test_without_a_plugin_for_coroutines_the_error_says_what_to_install(run: Run) -> None:
    tests = "def test_running(running): pass"

    done = run(f"[pytest]\n{NAMED}", "-p", "no:asyncio", "-p", "no:anyio", test_shop=tests)

    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(
        "*'running' of asyncflask needs a plugin*`pip install pytest-asyncio`*"
    )


def test_trio_is_refused(run: Run) -> None:
    conftest = BACKEND.format(backend='"trio"')
    tests = """
    import pytest

    def test_running(anyio_backend, running):
        pass
    """

    done = run(STRICT + NAMED, conftest=conftest, test_shop=tests)

    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines("*'running' of asyncflask runs on asyncio, and * is 'trio' (in *")


def test_another_frameworks_app_is_refused(run: Run) -> None:
    conftest = """
    import pytest

    @pytest.fixture
    def app():
        return "a string"
    """

    done = run(AUTO, conftest=conftest, test_shop=USES_CLIENT)

    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines("*'running' of asyncflask needs an app of asyncflask, and*a string*")


# -- other plugins ---------------------------------------------------------------------------------

OTHER = """
import pytest

@pytest.fixture
def client():
    return "the other plugin's"
"""


def test_a_client_of_another_plugin_stays(run: Run, pytester: pytest.Pytester) -> None:
    """As those of pytest-flask and pytest-django."""
    pytester.syspathinsert()
    tests = 'def test_client(client): assert client == "the other plugin\'s"'

    done = run(AUTO, "-p", "other_plugin", other_plugin=OTHER, test_shop=tests)

    done.assert_outcomes(passed=1)


def test_a_project_that_names_its_app_has_the_client_of_asyncflask(
    run: Run, pytester: pytest.Pytester
) -> None:
    pytester.syspathinsert()

    done = run(AUTO + NAMED, "-p", "other_plugin", other_plugin=OTHER, test_shop=USES_CLIENT)

    done.assert_outcomes(passed=1)


def test_the_plugin_does_not_import_the_package(tmp_path: Path) -> None:
    """Otherwise every run of pytest would take longer, and coverage would miss the imports."""
    (tmp_path / "test_nothing.py").write_text("def test_nothing(): pass")
    code = (
        "import sys, pytest\n"
        "assert pytest.main(['-q', '-p', 'pytest_asyncflask', '-p', 'no:cacheprovider']) == 0\n"
        "assert 'pytest_asyncflask.fixtures' in sys.modules\n"
        "assert 'asyncflask' not in sys.modules\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
