"""``pytest -p asyncflask.flask.pytest_plugin``: the tests' ``flask`` is asyncflask's.

Also in the processes that tests start. pytest imports it before the plugins of installed packages,
some of which import ``flask`` themselves.
"""

from __future__ import annotations

from .install import install

install(children=True)
