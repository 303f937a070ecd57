"""The app of one of hypercorn's worker processes, loaded as the command line would load it.

Only such a process imports this module; an environment variable (:data:`APP`) names its app.
"""

from __future__ import annotations

import json
import os
import sys

import click

from .context import ScriptInfo
from .locate import App

#: the variable with :class:`ScriptInfo`'s arguments, as JSON
APP = "_ASYNCFLASK_WORKER_APP"


def announce(info: ScriptInfo) -> None:
    """Tell the processes to be started which app they serve.

    Raises:
        click.UsageError: The app is made by a function that only this process has.
    """
    if info.create_app is not None:
        raise click.UsageError(
            "`--workers` starts processes that import the app, and this command makes it with a"
            " function of its own. Use `asyncflask --app module:factory run`."
        )
    os.environ[APP] = json.dumps([info.app_import_path, info.set_debug_flag])


def load_app() -> App:
    """Return the app, as the first process would have loaded it."""
    path, debug = json.loads(os.environ[APP])
    return ScriptInfo(path, set_debug_flag=debug).load_app()


def main(options: str, ready: str, alive: str) -> None:
    """Serve the app, see :func:`asyncflask.cli.hypercorn.serve_worker`."""
    from .hypercorn import serve_worker  # Only a worker process needs it, `announce` does not.

    serve_worker(load_app(), options, int(ready), int(alive))


if __name__ == "__main__":
    main(*sys.argv[1:])
