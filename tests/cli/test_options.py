from __future__ import annotations

import os
import ssl
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest

from asyncflask.cli import CertParamType, SeparatedPathType, run_command
from asyncflask.cli.options import Option

FILE = str(Path(__file__).resolve())


def value_of(*args: str) -> object:
    return run_command.make_context("run", list(args)).params["cert"]


def test_certificate_in_a_file_comes_with_its_key() -> None:
    assert value_of("--cert", FILE, "--key", FILE) == (FILE, FILE)
    assert value_of("--key", FILE, "--cert", FILE) == (FILE, FILE)


def test_certificate_and_key_have_quarts_names_too() -> None:
    assert value_of("--certfile", FILE, "--keyfile", FILE) == (FILE, FILE)


def test_certificate_in_a_file_needs_a_key() -> None:
    with pytest.raises(click.BadParameter, match="needs its key"):
        value_of("--cert", FILE)


def test_key_needs_a_certificate() -> None:
    with pytest.raises(click.BadParameter, match="needs its certificate"):
        value_of("--key", FILE)


def test_an_adhoc_certificate_needs_cryptography(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(click.BadParameter, match="pip install cryptography"):
        value_of("--cert", "adhoc")

    monkeypatch.setitem(sys.modules, "cryptography", ModuleType("cryptography"))

    assert value_of("--cert", "ADHOC") == "adhoc"
    with pytest.raises(click.BadParameter, match="Remove `--key`"):
        value_of("--cert", "adhoc", "--key", FILE)


def test_certificate_may_be_an_ssl_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tls_made.py").write_text(
        "import ssl\ncontext = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\nother = 1"
    )
    monkeypatch.syspath_prepend(tmp_path)

    assert isinstance(value_of("--cert", "tls_made:context"), ssl.SSLContext)
    with pytest.raises(click.BadParameter, match="Remove `--key`"):
        value_of("--cert", "tls_made:context", "--key", FILE)
    with pytest.raises(click.BadParameter, match="'tls_made:other' does not exist"):
        CertParamType().convert("tls_made:other", None, None)


def test_paths_are_split_and_checked() -> None:
    kind = SeparatedPathType(exists=True)

    assert kind.convert(os.pathsep.join([FILE, FILE]), None, None) == [FILE, FILE]
    with pytest.raises(click.BadParameter, match="does not exist"):
        kind.convert(os.pathsep.join([FILE, "nowhere"]), None, None)


@pytest.mark.parametrize(
    ("prefix", "name"),
    [("FLASK", "ASYNCFLASK_PORT"), ("FLASK_RUN", "ASYNCFLASK_RUN_PORT")],
)
def test_own_environment_name_wins(monkeypatch: pytest.MonkeyPatch, prefix: str, name: str) -> None:
    monkeypatch.setenv(f"{prefix}_PORT", "1")
    ctx = click.Context(click.Command("x"), auto_envvar_prefix=prefix)
    option = Option(["--port"])

    assert option.resolve_envvar_value(ctx) == "1"

    monkeypatch.setenv(name, "2")

    assert option.resolve_envvar_value(ctx) == "2"


@pytest.mark.parametrize("prefix", [None, "SHOP", "FLASKY"])
def test_other_prefixes_work_as_in_click(
    monkeypatch: pytest.MonkeyPatch, prefix: str | None
) -> None:
    monkeypatch.setenv("ASYNCFLASK_PORT", "2")
    monkeypatch.setenv("ASYNCFLASKY_PORT", "2")
    ctx = click.Context(click.Command("x"), auto_envvar_prefix=prefix)

    assert Option(["--port"]).resolve_envvar_value(ctx) is None
