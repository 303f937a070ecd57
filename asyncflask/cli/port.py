"""``asyncflask port PATH…``: rewrite a Flask or Quart project for asyncflask.

What it does is in ``port/``, which is imported when the command runs: it needs libcst.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from ..port.options import STEPS, Options

if TYPE_CHECKING:
    from ..port.project import Source


def _parse_steps(ctx: click.Context, param: click.Parameter, value: str | None) -> frozenset[str]:
    if value is None:
        return frozenset(STEPS)
    names = [name.strip() for name in value.split(",")]
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        raise click.BadParameter(
            f"{unknown[0]!r} is not a step. Write some of {', '.join(STEPS)}, with commas between.",
            ctx,
            param,
        )
    return frozenset(names)


@click.command("port", short_help="Rewrite a Flask or Quart project for asyncflask.")
@click.argument(
    "paths",
    metavar="PATH...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, path_type=Path),
)
@click.option(
    "--to",
    type=click.Choice(("flask", "async")),
    help="The facade, on which a Flask app behaves as before, or the async API. By default the"
    " facade; for a Quart project the async API.",
)
@click.option(
    "--only",
    "steps",
    metavar="STEPS",
    callback=_parse_steps,
    help=f"The steps to run, with commas between: {', '.join(STEPS)}. By default all.",
)
@click.option(
    "--views",
    type=click.Choice(("awaiting", "all")),
    default="awaiting",
    show_default=True,
    help="The views, hooks and error handlers that become `async def`: those that await something"
    " and call nothing that blocks, or all.",
)
@click.option("--write", is_flag=True, help="Change the files. By default the diff is shown.")
def port_command(
    paths: tuple[Path, ...],
    to: Literal["flask", "async"] | None,
    steps: frozenset[str],
    views: Literal["awaiting", "all"],
    write: bool,
) -> None:
    """Rewrite a Flask or Quart project for asyncflask.

    Shows a diff and a report. With --write the files are changed. Commit before: the command makes
    no copies. The exit code is 1 if a file could not be parsed; such a file is left as it is.
    \f

    Args:
        paths: Files and folders of the project.
        to: What it is ported to; ``None`` for what the project is.
        steps: The steps to run.
        views: Which views become ``async def``.
        write: Whether to change the files.
    """
    _check_libcst()
    from ..port.project import read_project
    from ..port.report import render
    from ..port.run import port, target

    sources = read_project(paths)
    result = port(sources, Options(target(sources, to), steps, views), paths)
    for before, after in result.changed:
        if write:
            after.path.write_bytes(after.content)
        else:
            click.echo("".join(_diff(before, after)))
    if result.notes:
        click.echo(render(result.notes) + "\n")
    click.echo(_summary(len(result.changed), len(sources), write))
    if result.has_broken_files:
        raise click.exceptions.Exit(1)


def _check_libcst() -> None:
    """Refuse to run without libcst.

    Raises:
        click.UsageError: It is not installed.
    """
    try:
        import libcst  # noqa: F401
    except ImportError:
        raise click.UsageError(
            "`asyncflask port` reads and writes Python with libcst, which is not installed."
            " Run `pip install 'asyncflask[port]'`."
        ) from None


def _diff(before: Source, after: Source) -> Iterable[str]:
    old, new = (_lines(source) for source in (before, after))
    for line in difflib.unified_diff(old, new, str(before.path), str(after.path)):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(source: Source) -> list[str]:
    return source.text.splitlines(keepends=True)


def _summary(changed: int, files: int, write: bool) -> str:
    read = f"{_count(files)} of Python read"
    if not changed:
        return f"Nothing to change; {read}."
    if write:
        return f"{_count(changed)} changed; {read}."
    return f"{_count(changed)} would change; {read}. --write changes them."


def _count(files: int) -> str:
    return "1 file" if files == 1 else f"{files} files"
