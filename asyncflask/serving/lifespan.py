"""What begins and ends with the serving of an app, or goes on beside the requests.

Startup and shutdown, the applications that are mounted on it, and background tasks.
"""

from __future__ import annotations

import asyncio
import typing as t
from collections.abc import AsyncIterator, Callable

from .._contextvars import current
from ..config import check_settings
from ..context import Context
from ..dispatch import background, setup_check
from ..dispatch.invoke import emit
from ..sansio.setupmethod import setupmethod
from ..signals import got_background_exception
from ..templating.loading import has_templates
from ..wrappers import SyncRequest
from ..wsgi.mount import Interface, Mount, Stop, make_mount, start_mounted, stop_mounted
from .asgi import run_shutdown, run_startup
from .steps import Steps

P = t.ParamSpec("P")


class AppLifespan(Steps):
    """An app that is started and shut down."""

    #: the class of the request of ``def`` functions
    sync_request_class: type[SyncRequest]
    #: whether a wrong setting ends the startup; an app of a facade goes on, as it did before
    refuses_settings: t.ClassVar[bool] = True

    def _prepare_api(self) -> None:
        #: the ``while_serving`` generators that run, of each startup that no shutdown has followed:
        #: a test may start an app that another test keeps started
        self.serving_generators: list[list[AsyncIterator[None]]] = []
        #: whether a startup has run, and no shutdown has followed it
        self.has_started = False
        self.background_tasks: set[asyncio.Task[None]] = set()
        #: the applications that :meth:`mount` was given, the longest prefix first
        self.mounts: list[Mount] = []
        #: what shuts down those of them that were started, of each startup as well
        self._stop_mounted: list[list[Stop]] = []
        #: the lifespan scope's ``state``, for ``before_serving`` functions to fill
        self.lifespan_state: dict[str, t.Any] = {}
        #: set when shutdown begins, for background tasks to wait for
        self.shutdown_event = asyncio.Event()

    def end_setup(self) -> None:
        """Note at the first request that setup is over, and log what part of it has no effect."""
        if self._got_first_request:
            return
        self._got_first_request = True
        for fault in setup_check.find_faults(self):
            self.logger.warning("%s", fault)

    async def startup(self) -> None:
        """Run the functions of the startup; the lifespan protocol calls this.

        Raises:
            ValueError: A setting has a wrong value.
        """
        if self.refuses_settings:
            check_settings(self.config)
        self.shutdown_event = asyncio.Event()  # A new one: an app may be served a second time.
        self.stopping.clear()
        if any(map(has_templates, (self, *self.iter_blueprints()))):
            # Jinja is imported now, so that no request waits for it.
            type(self).jinja_environment  # noqa: B018  # looking imports
        await run_startup(self)
        self.has_started = True
        self._stop_mounted.append(await start_mounted(self, self.mounts))

    async def shutdown(self) -> None:
        """Wait for background tasks, run the functions of the shutdown, and end idle workers."""
        self.stopping.set()  # A server that has said nothing before.
        self.shutdown_event.set()
        try:
            await self.finish_background_tasks()
            stops = self._stop_mounted.pop() if self._stop_mounted else []
            await stop_mounted(stops, self.logger)
        finally:
            await run_shutdown(self)
            self.has_started = bool(self.serving_generators)
            self.workers.trim()

    @setupmethod
    def mount(
        self,
        prefix: str,
        app: object,
        interface: Interface | None = None,
        *,
        lifespan: bool = False,
    ) -> None:
        """Let another application answer everything below ``prefix``.

        For moving an app over step by step: the old one keeps its URLs. Sessions are shared where
        ``SECRET_KEY`` and the settings of the session cookie agree. Hooks and error handlers of
        this app do not run for it; ``startup`` and ``shutdown`` of a mounted app of ours do, once
        if it is mounted several times. The prefix alone is redirected (308) to the slash.

        Args:
            prefix: Such as ``"/old"``; the application sees it as its root path.
            app: An ASGI application, or a WSGI one, which runs in a worker thread.
            interface: ``"asgi"`` or ``"wsgi"``, where the application does not show it.
            lifespan: Start and shut down an ASGI application of another framework as well; if it
                fails to, this app fails to. Its requests have its lifespan's state.

        Raises:
            ValueError: The prefix is not valid, or ``lifespan`` is given for a WSGI application.
            TypeError: ``interface`` is needed.
        """
        self.mounts.append(make_mount(prefix, app, interface, lifespan))
        self.refresh_cached()
        self.mounts.sort(key=lambda mount: len(mount.prefix), reverse=True)

    def add_background_task(
        self, func: Callable[P, object], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Start work that goes on after the response, in an app context of its own.

        Args:
            func: ``async def`` runs on the loop, ``def`` in a worker thread.
            args: Its arguments.
            kwargs: Its keyword arguments.

        Raises:
            RuntimeError: No event loop runs here.

        Source: ``Quart: app.add_background_task``.
        """
        background.start(self, func, args, kwargs)

    def background_context(self) -> Context | None:
        """Return the context on which a background task begins.

        There is none, because the request may be over before the task is.
        """
        return None

    async def finish_background_tasks(self) -> None:
        """Wait for the background tasks; cancel those that take too long.

        The shutdown calls it, and so does the end of an ``async def`` command.
        ``BACKGROUND_TASK_SHUTDOWN_TIMEOUT`` is how many seconds they have.
        """
        await background.drain(self, self.config["BACKGROUND_TASK_SHUTDOWN_TIMEOUT"])

    async def handle_background_exception(self, error: Exception) -> None:
        """Log the error of a background task, after the signal ``got_background_exception``.

        Args:
            error: The error.
        """
        if got_background_exception.receivers:
            ctx = current() or self.app_context()
            await emit(ctx, got_background_exception, self, exception=error)
        task = asyncio.current_task()
        name = "?" if task is None else task.get_name()
        self.logger.error("Background task %r failed.", name, exc_info=error)
