"""The types of options that the commands need: certificates, lists of paths, environment names."""

from __future__ import annotations

import importlib
import os
import ssl
from typing import Any

import click
from werkzeug.utils import import_string

from ..config.environment import PREFIXES, further_prefixes

OWN, FLASK = PREFIXES


class Option(click.Option):
    """An option with two environment variables: ``ASYNCFLASK_…`` wins over ``FLASK_…``."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the option's value from the environment, or ``None``.

        Args:
            ctx: click's context.
        """
        prefix = ctx.auto_envvar_prefix or ""
        if self.name and (prefix == FLASK or prefix.startswith(f"{FLASK}_")):
            name = f"{OWN}{prefix.removeprefix(FLASK)}_{self.name.upper()}"
            if value := os.environ.get(name):
                return value
        value = super().resolve_envvar_value(ctx)
        if value is None and self.name and prefix.startswith(FLASK):
            for other in further_prefixes:
                name = f"{other}{prefix.removeprefix(FLASK)}_{self.name.upper()}"
                value = value or os.environ.get(name) or None
        return value


class CertParamType(click.ParamType):  # type: ignore[type-arg]  # generic in newer click only
    """The value of ``--cert``: a file, ``adhoc``, or the import path of an ``ssl.SSLContext``.

    Source: ``Flask: cli.CertParamType``.
    """

    name = "path"

    def __init__(self) -> None:
        self.path_type = click.Path(exists=True, dir_okay=False, resolve_path=True)

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> str | ssl.SSLContext:
        """Return the file's absolute path, ``"adhoc"``, or the context.

        Args:
            value: What the user wrote.
            param: The option.
            ctx: click's context.

        Raises:
            click.BadParameter: It is not one of these.
        """
        try:
            return str(self.path_type(value, param, ctx))
        except click.BadParameter:
            if str(value).lower() == "adhoc":
                return _adhoc(param, ctx)
            found = import_string(value, silent=True)
            if isinstance(found, ssl.SSLContext):
                return found
            raise


def _adhoc(param: click.Parameter | None, ctx: click.Context | None) -> str:
    try:
        importlib.import_module("cryptography")
    except ImportError:
        raise click.BadParameter(
            "`--cert adhoc` makes a certificate, which needs the package cryptography. Run"
            " `pip install cryptography`, or give a file.",
            ctx,
            param,
        ) from None
    return "adhoc"


def validate_key(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Check ``--key`` and ``--cert`` together; a certificate in a file becomes ``(cert, key)``.

    Args:
        ctx: click's context, whose ``cert`` is replaced.
        param: The option ``--key``.
        value: Its value.

    Returns:
        The key's file, or ``None``.

    Raises:
        click.BadParameter: One is given without the other, or the certificate is no file.
    """
    cert = ctx.params.get("cert")
    cert_is_file = bool(cert) and cert != "adhoc" and not isinstance(cert, ssl.SSLContext)
    if value is None:
        if cert_is_file:
            raise click.BadParameter(
                f"The certificate {cert!r} of `--cert` needs its key: add `--key FILE`.", ctx, param
            )
        return value
    if not cert:
        raise click.BadParameter(
            f"The key {value!r} needs its certificate: add `--cert FILE`.", ctx, param
        )
    if not cert_is_file:
        raise click.BadParameter(
            f"A key goes with a certificate in a file, but `--cert` is {cert!r}. Remove `--key`.",
            ctx,
            param,
        )
    ctx.params["cert"] = cert, value
    return value


class SeparatedPathType(click.Path):
    """Several paths in one value, separated as in ``PATH``: by ``:``, on Windows by ``;``.

    Source: ``Flask: cli.SeparatedPathType``.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the list of paths, each checked as :class:`click.Path` checks one.

        Args:
            value: What the user wrote.
            param: The option.
            ctx: click's context.
        """
        convert = super().convert
        return [convert(item, param, ctx) for item in self.split_envvar_value(value)]
