"""The examples of ``docs/how-to/use-flask-extensions.md`` work."""

import sys

import pytest

from tests.examples.documents import clients_of, curl, load, sections

SECTIONS = sections("docs/how-to/use-flask-extensions.md")


@pytest.fixture
def module(section, tmp_path):
    yield load(section, tmp_path)
    del sys.modules["documented_app"]


@pytest.mark.parametrize("section", SECTIONS, ids=str)
async def test_a_section(section, module):
    clients = clients_of(module.app)
    for command, output in section.commands:
        assert (await curl(clients, command)).rstrip("\n") == output.rstrip("\n"), command
    for name, test in vars(module).items():
        if name.startswith("test_"):
            await test()
