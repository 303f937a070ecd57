"""asyncflask.flask: the apps of ``flask_app.py``, with the import changed and nothing else.

That is the first step of a port, so the file is not written again: its text is read and run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

_SOURCE = Path(__file__).with_name("flask_app.py")


def _apps() -> dict[str, Any]:
    text = _SOURCE.read_text().replace("from flask import", "from asyncflask.flask import")
    names: dict[str, Any] = {"__name__": __name__, "__package__": __package__}
    exec(compile(text, str(_SOURCE), "exec"), names)
    apps: dict[str, Any] = names["APPS"]
    return apps


APPS = _apps()
