"""The pytest plugin: the fixtures ``app``, ``client`` and ``running`` for tests of the async API.

It is a package of its own, because pytest imports it at the start of every run, before coverage is
measured and also in projects that do not use it: ``asyncflask`` is imported by the fixtures.
"""

from __future__ import annotations

import importlib

import pytest

#: the option of pytest's configuration file that names the app
OPTION = "asyncflask_app"
NAMES = ("app", "client", "running")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option.

    Args:
        parser: pytest's.
    """
    parser.addini(
        OPTION, "The app to test, as for `asyncflask --app`: module:create_app", default=""
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Register the fixtures, before those of the project, which replace them.

    Args:
        early_config: pytest's; all installed plugins are loaded.
    """
    fixtures = importlib.import_module(".fixtures", __name__)
    # pytest-flask and pytest-django have a `client` as well: their users keep it.
    if early_config.getini(OPTION) or not _are_taken(early_config, type(fixtures.client)):
        early_config.pluginmanager.register(fixtures, fixtures.__name__)


def _are_taken(config: pytest.Config, kind: type) -> bool:
    """Return whether another plugin has a fixture with one of the names."""
    return any(
        isinstance(getattr(plugin, name, None), kind)
        for plugin in config.pluginmanager.get_plugins()
        for name in NAMES
    )
