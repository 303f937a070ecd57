"""Examples that are served in processes of their own, by their command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

from tests.conftest import ENVIRONMENT, Program

from .documents import PROJECT


@contextmanager
def served(*arguments, **environ):
    """Run ``python …`` meanwhile; give the address that it prints.

    Args:
        arguments: Of the interpreter.
        environ: Environment variables.
    """
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **ENVIRONMENT, **environ},
        start_new_session=True,
    )
    program = Program(process)
    try:
        yield program.url().rstrip("/")
        program.send_signal(signal.SIGINT)
        output = program.wait()
        assert "Traceback" not in output, output
    finally:
        program.kill()


def example(name, folder):
    """Serve ``python -m examples.NAME`` with its files in a folder of the test."""
    app = f"examples.{name}:create_app(instance_path={str(folder)!r})"
    return served("-m", "asyncflask", "--app", app, "run", "--port", "0")
