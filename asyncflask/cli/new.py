"""``asyncflask new NAME``: write a small app with tests, and the files for its deployment.

The files are Jinja templates in ``template/``; the folder ``app`` there gets the app's name.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import keyword
import re
import secrets
import shlex
import sys
from pathlib import Path, PurePosixPath

import click

#: Names of packages and of distributions; PyPI does not allow `_` at the end.
NAME = re.compile(r"[a-z]([a-z0-9_]*[a-z0-9])?")
SUFFIX = ".jinja"
PRIVATE = ".env"

NEXT = """\
Wrote {count} files into {folder}. Next:

    cd {folder}
    pip install -e '.[dev]'
    asyncflask --app {name} run --debug\
"""

ELSEWHERE = """\
asyncflask was not installed from a package index here. For another environment, and for the image
of the Dockerfile, put its wheel into the folder:

    pip wheel --no-deps --wheel-dir {folder} {source}
"""


@click.command("new", short_help="Write a small app to begin with.")
@click.argument("name")
@click.option(
    "--directory",
    "-d",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write into, new or empty. By default it has the app's name.",
)
def new_command(name: str, directory: Path | None) -> None:
    """Write a small app, NAME: a chat with its tests, a Dockerfile and a compose file.

    Nothing that exists is overwritten.
    \f

    Args:
        name: The app's name.
        directory: The folder; ``None`` for one of that name.
    """
    folder = directory or Path(name)
    _check_app_name(name)
    files = _render_files(name)
    try:
        _check_empty(folder)
        for path, text in files.items():
            _write_file(folder / path, text)
    except OSError as error:
        raise click.FileError(str(error.filename or folder), error.strerror) from None
    if source := _source_of_asyncflask():
        click.echo(ELSEWHERE.format(folder=folder, source=shlex.quote(source)))
    click.echo(NEXT.format(count=len(files), folder=folder, name=name))


def _check_app_name(name: str) -> None:
    """Refuse a name that cannot be imported, or would be found in the place of another module.

    Raises:
        click.BadParameter: It is such a name.
    """
    if not NAME.fullmatch(name):
        wrong = "cannot be the name of a Python package: that has a to z, 0 to 9 and underscores"
    elif _is_taken(name):
        is_keyword = keyword.iskeyword(name)
        wrong = "is a keyword of Python" if is_keyword else "is the name of another module"
    else:
        return
    other = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789") or "shop"
    if _is_taken(other):
        other += "_app"
    raise click.BadParameter(
        f"{name!r} {wrong}. Choose another one: `asyncflask new {other}`.", param_hint="'NAME'"
    )


def _is_taken(name: str) -> bool:
    """Return whether imports would find something else; a mere folder does not count."""
    if keyword.iskeyword(name) or name == "tests" or name in sys.stdlib_module_names:
        return True
    found = importlib.util.find_spec(name)
    return found is not None and found.origin is not None


def _check_empty(folder: Path) -> None:
    """Refuse a folder that has files.

    Raises:
        click.BadParameter: It has some, or is a file.
    """
    if folder.exists() and not (folder.is_dir() and next(folder.iterdir(), None) is None):
        raise click.BadParameter(
            f"{str(folder)!r} exists and is not an empty folder; nothing was written. Choose"
            " another one with `--directory`, or move it away.",
            param_hint="'--directory'",
        )


def _render_files(name: str) -> dict[PurePosixPath, str]:
    """Return the text of each file by its path."""
    import jinja2  # PERF: the commands that serve import it with the app only.

    templates = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, "template"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    values = {
        "name": name,
        "version": importlib.metadata.version("asyncflask"),
        "secret_key": secrets.token_hex(),
    }
    return {
        _target(path, name): templates.get_template(path).render(values)
        for path in templates.list_templates(extensions=[SUFFIX[1:]])
    }


def _source_of_asyncflask() -> str | None:
    """Return from where pip installed asyncflask, in pip's words; ``None``: from an index.

    Source: ``PEP 610``.
    """
    text = importlib.metadata.distribution("asyncflask").read_text("direct_url.json")
    if text is None:
        return None
    origin = json.loads(text)
    url: str = origin["url"]
    if repository := origin.get("vcs_info"):
        return f"{repository['vcs']}+{url}@{repository['commit_id']}"
    return url


def _target(template: str, name: str) -> PurePosixPath:
    first, *rest = PurePosixPath(template.removesuffix(SUFFIX)).parts
    return PurePosixPath(name if first == "app" else first, *rest)


def _write_file(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.name == PRIVATE:
        path.touch(0o600, exist_ok=False)
        path.write_text(text, encoding="utf-8")
    else:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
