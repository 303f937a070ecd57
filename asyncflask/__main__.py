"""The command ``asyncflask``, also as ``python -m asyncflask``.

The group and its commands are in ``cli/``. The options that install a facade as ``flask``
or ``quart`` are added here, because ``cli/`` does not import the app classes.
"""

from __future__ import annotations

import importlib

import click

from .cli import FlaskGroup, cli, main
from .config.environment import read_also


def _add_option(package: str) -> None:
    """Add the option that installs a facade as the package whose API it has.

    Args:
        package: ``"flask"`` or ``"quart"``.
    """

    def install(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        if value and not ctx.resilient_parsing:
            # The facade is loaded on demand.
            importlib.import_module(f"asyncflask.{package}").install(children=True)
            if package == "quart":
                read_also("QUART")
                # Flask's are read in any case.
                cli.plugin_groups = ("quart.commands", *FlaskGroup.plugin_groups)

    # Eager, so that it comes before the app and the packages' commands are imported.
    cli.params.append(
        click.Option(
            [f"--as-{package}"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            allow_from_autoenv=False,  # the variable of that name is for child processes
            callback=install,
            help=f"Install asyncflask.{package} as the module {package}, also in child processes.",
        )
    )


_add_option("flask")
_add_option("quart")


if __name__ == "__main__":
    main()
