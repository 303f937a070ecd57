"""Flask's app without I/O, which the facade and the async API share. (Flask: flask.sansio.app.)"""

from __future__ import annotations

from werkzeug.exceptions import Aborter as Aborter
from werkzeug.exceptions import BadRequest as BadRequest
from werkzeug.exceptions import BadRequestKeyError as BadRequestKeyError
from werkzeug.routing import BuildError as BuildError
from werkzeug.routing import Map as Map
from werkzeug.routing import Rule as Rule
from werkzeug.sansio.response import Response as Response
from werkzeug.utils import cached_property as cached_property

from ...sansio.app import App
from ..config import Config as Config
from ..config import ConfigAttribute as ConfigAttribute
from ..helpers import get_debug_flag as get_debug_flag
from ..json.provider import DefaultJSONProvider as DefaultJSONProvider
from ..json.provider import JSONProvider as JSONProvider
from ..logging import create_logger as create_logger
from ..templating import DispatchingJinjaLoader as DispatchingJinjaLoader
from ..templating import Environment as Environment
from .scaffold import Scaffold as Scaffold
from .scaffold import (
    T_shell_context_processor,
    T_teardown,
    T_template_filter,
    T_template_global,
    T_template_test,
)
from .scaffold import _endpoint_from_view_func as _endpoint_from_view_func
from .scaffold import find_package as find_package
from .scaffold import setupmethod as setupmethod

__all__ = [
    "App",
    "T_shell_context_processor",
    "T_teardown",
    "T_template_filter",
    "T_template_global",
    "T_template_test",
]

# COMPAT: tools that look into the class find Flask's class there. Jinja is imported here anyway, so
# the attribute need no longer import it when it is read.
App.jinja_environment = Environment
