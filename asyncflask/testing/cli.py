"""The runner for an app's commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from click.testing import CliRunner as ClickRunner
from click.testing import Result

from ..cli import ScriptInfo
from ..cli.locate import CommandApp


class CliRunner(ClickRunner):
    """Runs an app's commands and returns their output; ``app.test_cli_runner()`` makes one.

    Args:
        app: The app.
        kwargs: As :class:`click.testing.CliRunner` takes them.

    Source: ``Flask: testing.FlaskCliRunner``.
    """

    def __init__(self, app: CommandApp, **kwargs: Any) -> None:
        self.app = app
        super().__init__(**kwargs)

    def invoke(  # type: ignore[override]  # cli may be left out
        self,
        cli: click.Command | None = None,
        args: str | Sequence[str] | None = None,
        **kwargs: Any,
    ) -> Result:
        """Run a command.

        Args:
            cli: The command; by default the app's group, ``app.cli``.
            args: Its arguments.
            kwargs: As :meth:`click.testing.CliRunner.invoke` takes them. By default ``obj`` is a
                :class:`~asyncflask.cli.ScriptInfo` of the app.

        Returns:
            Click's result: output, exit code and exception.

        Source: ``Flask: testing.FlaskCliRunner.invoke``.
        """
        if isinstance(cli, (str, list, tuple)):
            raise TypeError(f"invoke({cli!r}): the first is a command. Write invoke(args={cli!r}).")
        if cli is None:
            cli = self.app.cli
        kwargs.setdefault("obj", ScriptInfo(create_app=lambda: self.app))
        return super().invoke(cli, args, **kwargs)
