"""The command ``asyncflask``, also as ``python -m asyncflask``.

The group and its commands are in ``cli/``. The option that installs the facade as ``flask`` is
added here, because ``cli/`` does not import the app classes.
"""

from __future__ import annotations

import click

from .cli import cli, main


def _install(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from .flask import install  # the facade is loaded on demand

        install(children=True)


# Eager, so that it comes before the app and the packages' commands are imported.
cli.params.append(
    click.Option(
        ["--as-flask"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        allow_from_autoenv=False,  # the variable of that name is for child processes
        callback=_install,
        help="Install asyncflask.flask as the module flask, also in child processes.",
    )
)


if __name__ == "__main__":
    main()
