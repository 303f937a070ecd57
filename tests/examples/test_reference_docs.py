"""The code of reference, explanations and how-tos works, and every name is documented."""

from __future__ import annotations

import asyncio
import inspect
import re
import sys

import pytest

from asyncflask import Blueprint, Flask, signals
from asyncflask.dispatch import overrides, setup_check
from asyncflask.sse import ServerSentEvent

from .documents import PROJECT, clients_of, curl, load, sections

PAGES = [
    "docs/explanation/contexts.md",
    "docs/explanation/def-and-async.md",
    "docs/how-to/debug.md",
    "docs/how-to/deploy.md",
    "docs/how-to/migrate-from-quart.md",
    "docs/how-to/port-a-flask-app.md",
    "docs/index.md",
    "docs/reference/app.md",
    "docs/reference/background-tasks.md",
    "docs/reference/blueprints.md",
    "docs/reference/channels.md",
    "docs/reference/contexts.md",
    "docs/reference/flask-facade.md",
    "docs/reference/protocol.md",
    "docs/reference/quart-facade.md",
    "docs/reference/server.md",
    "docs/reference/signals.md",
    "docs/reference/streaming.md",
    "docs/reference/templating.md",
    "docs/reference/typing.md",
]
SECTIONS = [section for page in PAGES for section in sections(page)]


@pytest.fixture
def module(section, tmp_path):
    yield load(section, tmp_path)
    del sys.modules["documented_app"]


@pytest.mark.parametrize("section", [s for s in SECTIONS if s.commands], ids=str)
async def test_the_commands_of_a_section_answer_what_it_says(section, module):
    async with module.app.test_app() as running:
        clients = clients_of(running)
        for command, output in section.commands:
            assert (await curl(clients, command)).rstrip("\n") == output.rstrip("\n"), command


@pytest.mark.parametrize("section", SECTIONS, ids=str)
async def test_the_tests_of_a_section_pass(section, module):
    tests = [value for name, value in vars(module).items() if name.startswith("test_")]
    assert tests or section.commands, "nothing in this section is tried out"

    for test in tests:
        if inspect.iscoroutinefunction(test):
            await test()
        else:
            await asyncio.to_thread(test)  # As in pytest, without a running loop.


def _setup_methods(cls):
    """Return the names of the methods that are refused once setup is over."""
    return {name for name in dir(cls) if hasattr(getattr(cls, name, None), "__wrapped__")}


def _names(page):
    return set(re.findall(r"\w+", (PROJECT / page).read_text()))


def test_every_setup_method_of_an_app_is_explained():
    tabled = {"before_request", "after_request", "teardown_request", "add_template_filter"}
    tabled |= {"add_template_test", "add_template_global"}  # "and its like"

    assert not _setup_methods(Flask) - _names("docs/reference/app.md") - tabled


def test_every_step_that_may_be_replaced_is_named():
    steps = overrides.NAMES | overrides.CONVERTERS | overrides.CONTEXTS

    assert not steps - _names("docs/reference/app.md")


def test_what_of_quarts_setup_has_no_effect_is_in_the_guide():
    names = _names("docs/how-to/migrate-from-quart.md")

    assert not set(setup_check.APP) - {"wsgi_app"} - names  # That is a name of Flask.
    assert not set(setup_check.CONFIG) - names


def test_every_setup_method_of_a_blueprint_is_explained():
    assert not _setup_methods(Blueprint) - _names("docs/reference/blueprints.md")


def test_every_signal_is_explained():
    known = {name for name in vars(signals) if not name.startswith("_")} - {
        "Namespace",
        "annotations",
    }

    assert not known - _names("docs/reference/signals.md")


def test_every_field_of_an_event_is_explained():
    assert not set(ServerSentEvent.__dataclass_fields__) - _names("docs/reference/streaming.md")
