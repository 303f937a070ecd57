"""``pytest -p asyncflask.flask.pytest_plugin``: the tests' ``flask`` is asyncflask's."""

from __future__ import annotations

from .install import install

install()
