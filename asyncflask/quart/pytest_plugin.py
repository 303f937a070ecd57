"""``pytest -p asyncflask.quart.pytest_plugin``: the tests' ``quart`` is asyncflask's.

Also in the processes that tests start. pytest imports it before the plugins of installed packages,
some of which import ``quart`` themselves.
"""

from __future__ import annotations

from .install import install

install(children=True)
