"""The code and the links of README, quickstart and other documents work."""

from __future__ import annotations

import inspect
import re
import sys
from importlib import import_module
from types import ModuleType

import pytest
from blinker import NamedSignal
from werkzeug.local import LocalProxy

import asyncflask.flask
import asyncflask.quart
import asyncflask.sse
import asyncflask.testing

from .documents import PROJECT, anchors, clients_of, curl, load, sections, without_code

QUICKSTART = "docs/tutorial/quickstart.md"
#: Every document, except those of environments and of what a build leaves behind.
DOCUMENTS = [
    name
    for name in sorted(path.relative_to(PROJECT).as_posix() for path in PROJECT.rglob("*.md"))
    if not re.search(r"(^|/)(\.|node_modules|dist|site)", name) and "/golden/" not in name
]
#: A whole URL; a local one may be that of the app which a page shows.
WHOLE_URL = re.compile(r"https://[\w-]+(\.[\w-]+)+(/\S*)?|http://127\.0\.0\.1:\d+\S*")
SECTIONS = sections(QUICKSTART)


@pytest.fixture
def module(section, tmp_path):
    yield load(section, tmp_path)
    del sys.modules["documented_app"]


@pytest.mark.parametrize("section", SECTIONS, ids=str)
async def test_a_section_of_the_quickstart_does_what_it_says(section, module):
    tests = [value for name, value in vars(module).items() if name.startswith("test_")]
    assert tests or section.commands, "nothing in this section is tried out"

    async with module.app.test_app() as running:
        clients = clients_of(running)
        for command, output in section.commands:
            assert (await curl(clients, command)).rstrip("\n") == output.rstrip("\n"), command
        for test in tests:
            await test()


@pytest.mark.parametrize("page", DOCUMENTS)
def test_links_of_a_page_lead_somewhere(page):
    # A change note is moved to CHANGELOG.md, and its links are written for that.
    is_note = page.startswith("changes/") and page != "changes/README.md"
    folder = PROJECT if is_note else (PROJECT / page).parent
    text = without_code((PROJECT / page).read_text(encoding="utf-8"))
    wrong = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = link.partition("#")
        target = folder / path if path else PROJECT / page
        if re.match(r"\w+:", link):
            if not re.fullmatch(
                r"https://[\w-]+(\.[\w-]+)+(/\S*)?|http://127\.0\.0\.1:\d+\S*", link
            ):
                wrong.append(f"{link} is no whole URL: write https://host/path")
        elif not target.exists():
            wrong.append(f"{link} leads to no file")
        elif anchor and target.suffix == ".md" and anchor not in anchors(target):
            wrong.append(f"{link} names no heading of {target.name}")

    assert not wrong, "\n".join(wrong)


def test_the_index_names_every_document():
    index = (PROJECT / "docs/README.md").read_text()
    pages = {str(p.relative_to(PROJECT / "docs")) for p in (PROJECT / "docs").rglob("*.md")}

    assert not [page for page in pages - {"README.md", "index.md"} if f"({page})" not in index]


def test_the_site_leads_to_every_document():
    """``docs/index.md`` has the site's navigation."""
    entries = set(re.findall(r"^([\w/.-]+)$", (PROJECT / "docs/index.md").read_text(), re.M))
    pages = {p.relative_to(PROJECT / "docs") for p in (PROJECT / "docs").rglob("*.md")}
    names = {str(page.with_suffix("")) for page in pages}

    assert names - entries == {"README", "index"}


API = sorted((PROJECT / "docs/reference/api").glob("*.md"))


@pytest.mark.parametrize(
    "module", [asyncflask, asyncflask.flask, asyncflask.quart, asyncflask.testing]
)
def test_every_public_name_is_in_the_api_reference(module):
    page = PROJECT / "docs/reference/api" / f"{module.__name__.rpartition('.')[2]}.md"
    named = set(re.findall(r"\w+", page.read_text()))
    public = {name for name, value in vars(module).items() if name[0] != "_"}
    modules = {name for name in public if isinstance(getattr(module, name), ModuleType)}
    signals = {name for name in public if isinstance(getattr(module, name), NamedSignal)}

    assert not public - modules - signals - {"annotations"} - named


@pytest.mark.parametrize(
    "name", ["channels", "ctx", "datastructures", "helpers", "server", "templating"]
)
def test_every_exported_name_of_a_module_is_in_the_api_reference(name):
    module = import_module(f"asyncflask.{name}")
    exported = [getattr(module, each) for each in _exported(module)]
    directive = re.compile(r"^\.\. auto(?:class|function|exception):: (\S+)\.(\w+)$", re.MULTILINE)
    shown = [pair for page in API for pair in directive.findall(page.read_text())]
    objects = [getattr(import_module(owner), own) for owner, own in shown]

    assert exported
    assert not [each for each in exported if each not in objects]


def _exported(module):
    """Return the names of a module's ``__all__``, or those that it imports ``as`` themselves."""
    source = inspect.getsource(module)
    named = getattr(module, "__all__", re.findall(r"import (\w+) as \1$", source, re.MULTILINE))
    return {name for name in named if name[0] != "_" and callable(getattr(module, name))}


def test_the_tests_of_past_faults_exist():
    page = (PROJECT / "docs/reference/past-faults.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ")][1:]
    named = [re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row) for row in rows]

    assert len(rows) >= 6
    assert all(named), "a row without a test"
    for path, test in {pair for pairs in named for pair in pairs}:
        assert re.search(rf"^(async )?def {test}\(", (PROJECT / path).read_text(), re.M), test


def test_no_change_is_listed_twice():
    bullets = re.findall(r"^- \*\*(.+?)\*\*", (PROJECT / "CHANGELOG.md").read_text(), re.M)

    assert not {name for name in bullets if bullets.count(name) > 1}


#: The modules that users import from.
PUBLIC = [
    *("asyncflask", "asyncflask.flask", "asyncflask.testing", "asyncflask.sse"),
    *("asyncflask.channels", "asyncflask.config", "asyncflask.ctx", "asyncflask.datastructures"),
    *("asyncflask.exceptions", "asyncflask.globals", "asyncflask.helpers", "asyncflask.json"),
    *("asyncflask.json.provider", "asyncflask.json.tag", "asyncflask.middleware.proxy_fix"),
    *("asyncflask.sessions", "asyncflask.signals", "asyncflask.templating", "asyncflask.views"),
]


def _functions(module):
    """Yield the public functions of a module, and those of its public classes."""
    for name in dir(module):
        value = getattr(module, name)
        if name[0] == "_" or isinstance(value, (ModuleType, LocalProxy)):
            continue
        if inspect.isclass(value):
            for key in dir(value):
                if key[0] != "_" and not _overrides_explained(value, key):
                    yield getattr(value, key, None)
        else:
            yield value


def _is_of_a_protocol(function):
    """Tell whether a function has no body and no docstring: its class says what it is for."""
    owner = sys.modules[function.__module__]
    for part in function.__qualname__.split(".")[:-1]:
        owner = getattr(owner, part, None)
    return getattr(owner, "_is_protocol", False)


def _overrides_explained(owner, name):
    """Tell whether a class's method has the parameters of one that a base explains."""
    bases = (vars(base).get(name) for base in owner.__mro__[1:])
    return any("Args:" in (getattr(method, "__doc__", None) or "") for method in bases)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_parameter_in_the_api_reference_is_explained(name):
    functions = {inspect.unwrap(f) for f in _functions(import_module(name)) if inspect.isroutine(f)}
    unexplained = {
        f"{function.__module__}.{function.__qualname__}"
        for function in functions
        if inspect.isfunction(function) and function.__module__.startswith("asyncflask")
        if function.__name__[0] != "_" and not _is_of_a_protocol(function)
        if set(inspect.signature(function).parameters) - {"self", "cls"}
        if "Args:" not in (function.__doc__ or "")
    }

    assert not unexplained, "add `Args:` to the docstrings"
