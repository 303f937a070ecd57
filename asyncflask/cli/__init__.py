"""The command ``asyncflask``, and what extensions and apps build their own commands with.

The names are those of ``flask.cli``.
"""

from __future__ import annotations

from ..config.environment import get_debug_flag, get_load_dotenv, load_dotenv
from .commands import routes_command, run_command, show_server_banner
from .context import ScriptInfo, pass_script_info, with_appcontext
from .group import AppGroup, FlaskGroup, cli, get_version, main, version_option
from .locate import (
    NoAppException,
    find_app_by_string,
    find_best_app,
    locate_app,
    prepare_import,
)
from .options import CertParamType, SeparatedPathType
from .shell import shell_command

__all__ = [
    "AppGroup",
    "CertParamType",
    "FlaskGroup",
    "NoAppException",
    "ScriptInfo",
    "SeparatedPathType",
    "cli",
    "find_app_by_string",
    "find_best_app",
    "get_debug_flag",
    "get_load_dotenv",
    "get_version",
    "load_dotenv",
    "locate_app",
    "main",
    "pass_script_info",
    "prepare_import",
    "routes_command",
    "run_command",
    "shell_command",
    "show_server_banner",
    "version_option",
    "with_appcontext",
]
