"""The configuration of an app, and what is made of it: logger, worker threads, instance folder."""

from __future__ import annotations

import logging
import os
import sys
import typing as t
from datetime import timedelta

from werkzeug.datastructures import ImmutableDict
from werkzeug.utils import cached_property

from .. import resources
from .._invalidation import Watching
from ..concurrency.pool import WorkerPool
from ..config import DEFAULT_CONFIG, Config, ConfigAttribute
from ..config.environment import get_debug_flag
from ..debug.blocking import watched
from ..dispatch.plan import PlanCache
from ..logging import create_logger
from .scaffold import Scaffold

if t.TYPE_CHECKING:
    from ..templating import environment as jinja
else:  # For typing.get_type_hints().
    jinja = resources.LaterModule("asyncflask.templating.environment")


class Configuration(Scaffold, Watching):
    """What an app has of a deployment: its configuration and its instance folder."""

    config_class: type[Config] = Config
    default_config: ImmutableDict[str, t.Any] = ImmutableDict(DEFAULT_CONFIG)
    config: Config
    #: has the configuration as ``settings``
    plans: PlanCache
    instance_path: str
    jinja_env: jinja.Environment  # (Templates makes it.)
    testing = ConfigAttribute[bool]("TESTING")
    secret_key = ConfigAttribute["str | bytes | None"]("SECRET_KEY")
    permanent_session_lifetime = ConfigAttribute[timedelta](
        "PERMANENT_SESSION_LIFETIME",
        get_converter=lambda value: (
            value if isinstance(value, timedelta) else timedelta(seconds=value)
        ),
    )

    @cached_property
    def name(self) -> str:  # a plain attribute on blueprints
        """The app's name: the import name, or the file's name when run as a script."""
        if self.import_name != "__main__":
            return self.import_name
        file = getattr(sys.modules["__main__"], "__file__", None)
        return "__main__" if file is None else os.path.splitext(os.path.basename(file))[0]

    @cached_property
    def logger(self) -> logging.Logger:
        """The app's standard :class:`logging.Logger`, named like the app."""
        return create_logger(self)

    @property
    def debug(self) -> bool:
        """Whether debug mode is on (``DEBUG``, ``FLASK_DEBUG``)."""
        value: bool = self.plans.settings["DEBUG"]
        return value

    @debug.setter
    def debug(self, value: bool) -> None:
        self.config["DEBUG"] = value
        self.refresh_cached()
        if self.config["TEMPLATES_AUTO_RELOAD"] is None:
            self.jinja_env.auto_reload = value

    @cached_property
    def workers(self) -> WorkerPool:
        """The threads in which ``def`` callables run, ``WORKER_THREADS`` of them at most."""
        config = self.config
        pool = WorkerPool(
            config["WORKER_POOL_SIZE"],
            config["WORKER_QUEUE_SIZE"],
            config["WORKER_THREADS"],
            config["WORKER_QUEUE_TIMEOUT"],
            config["WORKER_AFFINITY"],
        )
        pool.watch = watched
        return pool

    def make_config(self, instance_relative: bool = False) -> Config:
        """Return the configuration object, with the defaults.

        Args:
            instance_relative: Whether relative file names begin at ``instance_path``, not
                ``root_path``.

        Returns:
            An object of ``config_class``.
        """
        root_path = self.instance_path if instance_relative else self.root_path
        defaults = dict(self.default_config)
        defaults["DEBUG"] = get_debug_flag()
        return self.config_class(root_path, defaults)

    def auto_find_instance_path(self) -> str:
        """Return the instance folder: beside the package, or in the environment's ``var``."""
        return resources.find_instance_path(self.import_name, self.name)

    def _checked_instance_path(self, instance_path: str | None) -> str:
        if instance_path is None:
            return self.auto_find_instance_path()
        if not os.path.isabs(instance_path):
            raise ValueError(
                f"instance_path={instance_path!r} is a relative path; it must be absolute. Give"
                " os.path.abspath(...), or omit it."
            )
        return instance_path

    def open_instance_resource(
        self, resource: str, mode: str = "rb", encoding: str | None = "utf-8"
    ) -> t.IO[t.AnyStr]:
        """Open a file of the instance folder, for reading or writing.

        Args:
            resource: Path relative to ``instance_path``.
            mode: As for :func:`open`.
            encoding: For text modes.

        Returns:
            The open file.
        """
        return t.cast(
            "t.IO[t.AnyStr]",
            resources.open_instance_resource(self.instance_path, resource, mode, encoding),
        )
