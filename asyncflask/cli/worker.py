"""The app of a worker process of hypercorn, loaded as the command line loads it.

Only a worker process imports this module; an environment variable (:data:`APP`) names its app.
"""

from __future__ import annotations

import json
import os
import sys

import click

from .context import ScriptInfo
from .locate import CommandApp

#: the variable with :class:`ScriptInfo`'s arguments, as JSON
APP = "_ASYNCFLASK_WORKER_APP"


def announce(info: ScriptInfo) -> None:
    """Write into the environment which app the worker processes serve.

    Args:
        info: How this process loads the app.

    Raises:
        click.UsageError: The app is made by a function of this process (``create_app``).
    """
    if info.create_app is not None:
        raise click.UsageError(
            "`--workers` starts processes that import the app, and this command makes it with a"
            " function of its own. Use `asyncflask --app module:factory run`."
        )
    os.environ[APP] = json.dumps([info.app_import_path, info.set_debug_flag])


def load_app() -> CommandApp:
    """Return the app, loaded as in the parent process."""
    path, debug = json.loads(os.environ[APP])
    return ScriptInfo(path, set_debug_flag=debug).load_app()


def run_worker(options: str, ready: str, alive: str) -> None:
    """Serve the app, see :func:`asyncflask.cli.hypercorn.serve_worker`.

    Args:
        options: The arguments of the server, as JSON.
        ready: The descriptor to write to, once connections are accepted.
        alive: The descriptor that is closed when the parent process ends.
    """
    from .hypercorn import serve_worker  # Only a worker process needs it, `announce` does not.

    serve_worker(load_app(), options, int(ready), int(alive))


if __name__ == "__main__":
    run_worker(*sys.argv[1:])
