"""install(): after it, and only then, ``import flask`` is ``asyncflask.flask``."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import warnings
import zipfile
from functools import cache
from pathlib import Path

import flask  # the real Flask, which the tests compare with; install() is too late in this process
import flask.views
import pytest

import asyncflask
import asyncflask.flask
from asyncflask.flask.install import FLASK_VERSION, MODULES, install
from asyncflask.testing import TestClient

from .conftest import BEGIN, PROJECT, evaluate

HERE = Path(asyncflask.flask.__file__).parent
IMPORTS = BEGIN + (
    "import importlib, importlib.metadata, importlib.util, inspect, logging, pickle, pkgutil, sys\n"
    "before = importlib.util.find_spec('flask')\n"
    "import flask, flask.sansio, flask.json.provider, flask.testing\n"
    "import flask.cli as cli\n"
    "from flask import json\n"
    "from flask.sansio.app import App\n"
)
#: What holds after install(): an expression that is true.
HOLDS = {
    "the package is the same object": "flask is asyncflask.flask",
    "a submodule is the same object under `as`": "cli is asyncflask.flask.cli",
    "`from flask import json` gives the module": "json is asyncflask.flask.json",
    "a module of a module is the same": "flask.json.provider is asyncflask.flask.json.provider",
    "a package without __init__ is there": "App is asyncflask.flask.sansio.app.App",
    "modules are found in sys.modules": "sys.modules['flask.cli'] is asyncflask.flask.cli",
    "even those that were imported by the package": "'flask.wrappers' in sys.modules",
    "a module has the name that Flask's has": "flask.cli.__name__ == 'flask.cli'",
    "and so has the package": "(flask.__name__, flask.json.__name__) == ('flask', 'flask.json')",
    "a spec is the one that the module was loaded by": "flask.cli.__spec__.name =="
    " 'asyncflask.flask.cli'",
    "a reload gives the same module": "importlib.reload(flask.signals) is flask.signals",
    "that is still one": "flask.signals is asyncflask.flask.signals",
    "the package can be reloaded": "importlib.reload(flask) is asyncflask.flask",
    "and keeps its function": "callable(asyncflask.flask.install)",
    "a spec is found before the import": "before.origin == asyncflask.flask.__file__",
    "that knows the folder": "list(before.submodule_search_locations) == list(flask.__path__)",
    "a spec is found afterwards": "importlib.util.find_spec('flask') is flask.__spec__",
    "what Flask has not is not found": "importlib.util.find_spec('flask.nope') is None",
    "nor in a module": "importlib.util.find_spec('flask.json.nope') is None",
    "other packages are found": "importlib.util.find_spec('json').name == 'json'",
    "a pickled class comes back": "pickle.loads(pickle.dumps(flask.Flask)) is flask.Flask",
    "by Flask's name": "pickle.loads(b'cflask.app\\nFlask\\n.') is flask.Flask",
    "by our name": "pickle.loads(b'casyncflask.flask.app\\nFlask\\n.') is flask.Flask",
    "a response can be pickled": "pickle.loads(pickle.dumps(flask.Response('x'))).data == b'x'",
    "source is found": "inspect.getsource(flask.Flask).startswith('class Flask(')",
    "also through the loader": "'class Flask(' in pkgutil.get_data('flask', 'app.py').decode()",
    "modules are listed": "'app' in [m.name for m in pkgutil.iter_modules(flask.__path__)]",
    "the app's logger is named like the app": "flask.Flask('shop').logger.name == 'shop'",
    "a distribution is found": "importlib.metadata.version('flask') == '3.1.3'",
    "twice is once": "(lambda n: (asyncflask.flask.install(), len(sys.meta_path) == n)[1])"
    "(len(sys.meta_path))",
}
TRY_IMPORT = """
def try_import(name):
    try:
        __import__(name)
    except ModuleNotFoundError as error:
        return str(error)
"""
SAME = {
    name: f"importlib.import_module('flask.{name}') is"
    f" importlib.import_module('asyncflask.flask.{name}')"
    for name in sorted(MODULES - {"__main__"})
}


#: modules that Flask has not: the import system would put one where ``asyncflask.flask`` has
#: the function of that name
OWN = {
    f"try_import('flask.{path.stem}')": f"No module named 'flask.{path.stem}'"
    for path in sorted(HERE.glob("*.py"))
    if path.stem not in MODULES | {"__init__"}
}
REAL = {
    "[d.name.lower() for d in importlib.metadata.distributions()].count('flask')": "1",
    "type(importlib.metadata.distribution('flask')).__name__": "'PathDistribution'",
}


@pytest.fixture(scope="module")
def answers():
    questions = [*HOLDS.values(), *SAME.values(), *OWN, *REAL]
    return evaluate(questions, begin=IMPORTS + TRY_IMPORT)


@pytest.mark.parametrize("question", HOLDS.values(), ids=HOLDS)
def test_after_install(answers, question):
    assert answers[question] == "True"


@pytest.mark.parametrize("name", SAME)
def test_a_module_is_the_same_object_under_both_names(answers, name):
    assert answers[SAME[name]] == "True"


def test_the_modules_are_those_of_flask():
    folder = Path(flask.__file__).parent
    found = {path.relative_to(folder).with_suffix("") for path in folder.rglob("*.py")}
    names = {".".join(path.parts).removesuffix("__init__").rstrip(".") for path in found}

    assert {name for name in names if name} | {"sansio"} == MODULES


def test_modules_of_our_own_are_not_offered_as_flasks(answers):
    assert "try_import('flask.install')" in OWN
    assert {q for q in OWN if OWN[q] not in answers[q]} == set()


#: What is done in a process, step by step, and what each step prints.
PROCESS = """
import os, runpy, subprocess, sys, warnings
warnings.simplefilter("error")
path, environ = list(sys.meta_path), dict(os.environ)
import asyncflask.flask, asyncflask.flask.cli
asyncflask.flask.Flask("shop").test_client().get("/")
print("import:", path == sys.meta_path, environ == dict(os.environ), "flask" in sys.modules)

asyncflask.flask.install()
print("install:", environ == dict(os.environ))

import flask
flask.Flask("shop").test_client().get("/")
print("no warning")

asyncflask.flask.install(children=True)
asyncflask.flask.install(children=True)
print("variable:", os.environ["ASYNCFLASK_AS_FLASK"])
print("path:", os.environ["PATH"])
if os.name != "nt":
    command = subprocess.run(["flask", "--version"], capture_output=True, text=True)
    print("command:", next(line for line in command.stdout.splitlines() if "Flask" in line))

sys.argv[1:] = ["--version"]
runpy.run_module("flask", run_name="__main__", alter_sys=True)
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    environ = {name: value for name, value in os.environ.items() if "FLASK" not in name}
    done = subprocess.run(
        [sys.executable, "-c", PROCESS],
        capture_output=True,
        text=True,
        cwd=tmp_path_factory.mktemp("process"),
        env={**environ, "PYTHONPATH": str(PROJECT), "PATH": "/bin"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_nothing_happens_on_plain_import(printed):
    assert "import: True True False" in printed


def test_install_after_flask_was_imported_is_refused():
    path = list(sys.meta_path)

    with pytest.raises(RuntimeError, match=r"was called after <module 'flask'.*Call it first"):
        install()
    assert sys.meta_path == path


# -- the distribution ------------------------------------------------------------------------------

#: No other finder of distributions, as if Flask were not installed.
ALONE = (
    BEGIN
    + "import sys\n"
    + "from importlib import metadata\n"
    + "metadata.version('asyncflask')\n"  # It imports some of its modules late.
    + "own = sys.meta_path[-1]\n"
    + "sys.meta_path[:] = [f for f in sys.meta_path if not hasattr(f, 'find_distributions')]\n"
    + "sys.meta_path.append(own)\n"
)
DISTRIBUTION = {
    "metadata.version('flask')": repr(FLASK_VERSION),
    "metadata.version('Flask')": repr(FLASK_VERSION),
    "metadata.metadata('flask')['Name']": "'Flask'",
    "metadata.distribution('flask').name": "'Flask'",
    "metadata.requires('flask')": "['asyncflask']",
    "metadata.files('flask')": "None",
    "[d.name for d in metadata.distributions()]": "['Flask']",
    "list(metadata.distributions(path=['/nowhere']))": "[]",
    "list(metadata.distributions(name='werkzeug'))": "[]",
    "list(metadata.entry_points(group='flask.commands'))": "[]",
    "metadata.packages_distributions()['flask']": "['Flask']",
    "metadata.distribution('flask').locate_file('flask').is_dir()": "True",
}


@pytest.fixture(scope="module")
def distribution():
    return evaluate(DISTRIBUTION, begin=ALONE)


@pytest.mark.parametrize("question", DISTRIBUTION)
def test_without_flask_there_is_a_distribution(distribution, question):
    assert distribution[question] == DISTRIBUTION[question]


def test_the_real_distribution_is_found_where_flask_is_installed(answers):
    """And it is listed once."""
    assert {question: answers[question] for question in REAL} == REAL


def test_the_version_is_the_one_whose_surface_is_measured():
    import importlib.metadata

    assert importlib.metadata.version("flask") == FLASK_VERSION


def test_flasks_version_attribute_warns():
    with pytest.warns(DeprecationWarning, match=r"importlib\.metadata\.version"):
        assert asyncflask.flask.__version__ == FLASK_VERSION


def test_other_attributes_are_missing_as_usual():
    with pytest.raises(AttributeError, match="nope"):
        asyncflask.flask.nope


# -- names that tools and filters see --------------------------------------------------------------


def test_warnings_of_matching_come_from_flasks_module(app):
    """People filter them by ``module="flask.app"``."""
    app.config["SERVER_NAME"] = "example.test"
    app.subdomain_matching = True

    def ask():
        with app.test_request_context(base_url="http://elsewhere.test"):
            pass

    with warnings.catch_warnings(record=True) as seen:
        warnings.filterwarnings("always", category=UserWarning)
        ask()
        warnings.filterwarnings("ignore", module=r"flask\.app$")
        ask()

    assert len(seen) == 1


# -- child processes -------------------------------------------------------------------------------

WHICH = "import flask; print(flask.Flask.__module__)"


AS_FLASK = PROJECT / "as_flask"


def wheel(project, folder):
    """Build a project's wheel; return its path."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=project,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def files(wheel):
    """List a wheel's files, without its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        return [name for name in archive.namelist() if ".dist-info/" not in name]


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """The files of the package's wheel."""
    return files(wheel(PROJECT, tmp_path_factory.mktemp("wheel")))


def test_the_wheel_runs_nothing_as_python_starts(names):
    assert {name.partition("/")[0] for name in names} == {"asyncflask", "pytest_asyncflask"}
    assert [name for name in names if name.endswith(".pth")] == []
    assert "asyncflask/flask/bin/flask" in names
    assert "asyncflask/py.typed" in names


def test_the_wheel_has_the_files_of_a_new_app(names):
    template = PROJECT / "asyncflask/cli/template"
    expected = [path for path in template.rglob("*") if path.is_file()]

    assert len(expected) > 10
    assert {path.relative_to(PROJECT).as_posix() for path in expected} <= set(names)


def test_asyncflask_as_flask_makes_a_variable_install_until_it_is_uninstalled(tmp_path):
    built = wheel(AS_FLASK, tmp_path)
    venv.create(tmp_path / "venv")
    interpreter = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    # It has the packages of this environment, but not what those run as Python starts.
    path = os.pathsep.join([str(PROJECT), *filter(None, sys.path)])

    def pip(*args):
        # With `--python` pip would start twice.
        environ = {**os.environ, "PYTHONPATH": path, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        command = [interpreter, "-m", "pip", *args]
        subprocess.run(command, env=environ, check=True, capture_output=True)

    def which(*command, **variables):
        environ = {**os.environ, "PYTHONPATH": path, **variables}
        done = subprocess.run(
            [interpreter, *command], env=environ, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    assert files(built) == ["asyncflask_as_flask.pth"]
    pip("install", "--no-deps", "--no-index", "--no-compile", str(built))
    assert which("-c", WHICH) == "flask.app"
    for value in ("1", sys.executable):
        assert which("-c", WHICH, ASYNCFLASK_AS_FLASK=value) == "asyncflask.flask.app"
    assert "on asyncflask" in which("-m", "flask", "--version", ASYNCFLASK_AS_FLASK="1")
    pip("uninstall", "--yes", "asyncflask-as-flask")
    assert which("-c", WHICH, ASYNCFLASK_AS_FLASK="1") == "flask.app"


@pytest.mark.parametrize("project", [PROJECT, AS_FLASK], ids=["asyncflask", "as_flask"])
def test_both_distributions_have_the_version_of_the_package(project):
    """The command is the build backend's, which reads ``pyproject.toml``."""
    command = [sys.executable, "-m", "hatchling", "version"]
    found = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)

    assert found.stdout.strip() == asyncflask.__version__


def test_install_does_not_change_child_processes(printed):
    assert "install: True" in printed


def test_install_for_children_sets_the_variable_and_one_folder_of_the_path(printed):
    assert f"variable: {sys.executable}" in printed
    assert f"path: {HERE / 'bin'}{os.pathsep}/bin" in printed


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_children_have_a_flask_command(printed):
    assert any(
        line.startswith(f"command: Flask {FLASK_VERSION} (on asyncflask") for line in printed
    )


def test_python_m_flask_runs_our_command(printed):
    assert printed[-3].startswith("Python ")
    assert any("on asyncflask" in line for line in printed[-2:])


# -- hooks that tools call after an import ---------------------------------------------------------

#: What wrapt, New Relic and ddtrace do: a finder in front of the others, whose loaders call hooks
#: by the name of the module that was loaded.
HOOKS = """
import importlib.util
import sys

fired = []


class Loader:
    def __init__(self, loader):
        self.loader = loader

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        self.loader.exec_module(module)
        fired.append(module.__name__)


class Finder:
    busy = set()

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] != "flask" or name in self.busy:
            return None
        self.busy.add(name)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self.busy.discard(name)
        if spec is not None and spec.loader is not None:
            spec.loader = Loader(spec.loader)
        return spec


def register():
    sys.meta_path.insert(0, Finder())
"""
NAMED = ["flask", "flask.app", "flask.blueprints", "flask.cli", "flask.json.provider"]


def fired(*steps):
    """Return the names of the hooks that were called, and "later" where a step says so."""
    code = "\n".join([HOOKS, *steps, "print(*fired)"])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True
    )
    return done.stdout.split()


@cache
def fired_by_facade(order, loaded):
    steps = ["register()", BEGIN.strip()] if order == "hooks first" else [BEGIN, "register()"]
    early = ["import asyncflask.flask.views"] if loaded else []
    later = ["import flask", "fired.append('later')", "import flask.views", "import flask.app"]
    return fired(*early, *steps, *later)


@pytest.mark.parametrize("order", ["hooks first", "install first"])
@pytest.mark.parametrize("loaded", [False, True], ids=["new", "loaded"])
def test_hooks_fire_when_the_facade_is_imported_as_flask(order, loaded):
    seen = fired_by_facade(order, loaded)

    assert set(NAMED) < set(seen)
    assert "flask.views" in seen
    assert len(seen) == len(set(seen))
    assert seen.index("flask.app") < seen.index("flask")


def test_the_same_hooks_fire_as_with_flask():
    real = fired("register()", "import flask")
    ours = fired_by_facade("hooks first", loaded=False)

    assert set(real) <= {*ours[: ours.index("later")], "flask.sansio"}


def test_a_module_that_is_imported_later_fires_its_hook_then():
    seen = fired_by_facade("hooks first", loaded=False)

    assert seen[seen.index("later") + 1 :] == ["flask.views"]


def test_a_finder_in_front_of_ours_may_look_for_flask(python):
    """pytest's, among others, asks Python's own finder for every module."""
    code = (
        "import sys\n"
        "class Asks:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        return None\n"
        f"sys.meta_path.insert(0, Asks())\n{BEGIN}import flask\n"
        "print(flask is asyncflask.flask, type(sys.meta_path[0]).__name__)"
    )

    assert python("-c", code) == "True Asks"


# -- without install(), beside the real Flask ------------------------------------------------------

WARNED = (
    r"^The app <Flask 'shop'> is used in a process that has imported the real Flask as well\."
    r" .*Call asyncflask\.flask\.install\(\) before anything imports `flask`"
)


def extension(app):
    """As an extension reads the proxies of the ``flask`` that it has imported."""

    @app.before_request
    def before():
        flask.g.user = "Ada"


@pytest.mark.parametrize("when", ["new", "first request"])
def test_an_app_beside_the_real_flask_is_warned_of(when, monkeypatch):
    if when == "first request":
        monkeypatch.setitem(sys.modules, "flask", asyncflask.flask)
        app = asyncflask.flask.Flask("shop")
        monkeypatch.undo()
        with pytest.warns(RuntimeWarning, match=WARNED):
            app.test_client().get("/")
    else:
        with pytest.warns(RuntimeWarning, match=WARNED) as warned:
            asyncflask.flask.Flask("shop")
        assert warned[0].filename == __file__


def test_without_the_real_flask_there_is_nothing_to_warn_of(printed):
    """Neither before install() nor after it: warnings are errors in that process."""
    assert "no warning" in printed


def test_a_subclass_is_warned_where_it_is_made():
    class Shop(asyncflask.flask.Flask):
        def __init__(self):
            super().__init__("shop")

    with pytest.warns(RuntimeWarning, match=r"<Shop 'shop'> is used in a process"):
        Shop()


@pytest.mark.parametrize("api", [asyncflask.flask.Flask, asyncflask.Flask], ids=["facade", "async"])
@pytest.mark.parametrize("by", ["hook", "view", "class"])
async def test_the_error_of_a_proxy_of_the_real_flask_says_what_to_do(api, by, caplog):
    app = api("app")
    if by == "hook":
        extension(app)
        app.get("/")(lambda: "")
    elif by == "view":
        app.get("/")(lambda: flask.request.path)
    else:
        view = type("Page", (flask.views.MethodView,), {"get": lambda self: ""}).as_view("page")
        app.add_url_rule("/", view_func=view)
    answer = await TestClient(app, asyncflask.Response).get("/")

    assert answer.status_code == 500
    assert "It was raised by a proxy of the real Flask." in caplog.text
    assert "asyncflask.flask.install()" in caplog.text


def test_an_error_of_asyncflasks_proxies_has_no_such_note(caplog):
    app = asyncflask.flask.Flask("app")

    @app.get("/")
    def view():
        raise RuntimeError("Working outside the lines.")

    @app.get("/own")
    def own():
        return str(asyncflask.websocket.path)

    for path in ("/", "/own"):
        assert app.test_client().get(path).status_code == 500
    assert "the real Flask" not in caplog.text


@pytest.mark.parametrize("api", [asyncflask.flask.Flask, asyncflask.Flask], ids=["facade", "async"])
async def test_a_blueprint_of_the_real_flask_is_warned_of_and_works(api):
    blueprint = flask.Blueprint("real", __name__)
    blueprint.get("/<name>")(lambda name: flask.Response(f"Hello {name}", 201))
    app = api("app")
    with pytest.warns(RuntimeWarning, match=r"^The blueprint .*Blueprint.*install\(\)") as seen:
        app.register_blueprint(blueprint, url_prefix="/real")
    assert seen[0].filename == __file__
    answer = await TestClient(app, asyncflask.Response).get("/real/Ada")

    assert (answer.status_code, answer.text) == (201, "Hello Ada")
