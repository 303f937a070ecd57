"""The runner for an app's commands."""

from __future__ import annotations

from ...testing.cli import CliRunner


class QuartCliRunner(CliRunner):
    """Runs an app's commands and returns their output.

    Source: ``Quart: testing.QuartCliRunner``.
    """
