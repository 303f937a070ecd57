"""The plan of an endpoint: what is registered for it, put together once and kept until it changes.

A request looks up the plan of its endpoint and runs it (``runners.py``), instead of asking each
registry and each signal what there is to do. A plan is made when a request needs it, and all plans
of an app are forgotten when one of the app's registries, steps or classes changes
(:mod:`asyncflask._invalidation`), or when a signal gets or loses a receiver.

Where changes cannot be noticed, for a registry was replaced by a plain dictionary or list, a plan
says that there may be anything; the pipeline then reads the registries during each request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from inspect import getattr_static
from types import FunctionType, MethodType
from typing import Any, Literal
from weakref import WeakSet, ref

from .._invalidation import NoticedDict, is_noticed
from ..concurrency.inspection import is_async
from ..context import blueprint_path
from ..ctx import Context
from ..sessions import opens_early
from ..signals import appcontext_popped, appcontext_pushed, appcontext_tearing_down
from .protocols import ServedApp
from .scope_types import HTTP, WEBSOCKET, ScopeType

#: Which function in ``runners.py`` runs a plan. "view": an ``async def`` view alone. "unmatched":
#: no rule was found, and there are no hooks. "loop": an ``async def`` view, and its hooks are, too.
#: "worker": a ``def`` view. "unknown": a view or registry may change unnoticed. "pipeline": the
#: rest.
Runner = Literal["view", "unmatched", "loop", "worker", "pipeline", "unknown"]
Function = Callable[..., Any]


class PlanTable(dict[str | None, "EndpointPlan"]):
    """The plans of one app for one kind of connection, by endpoint; each is made when it is needed.

    ``None`` is the key of the plan for what no rule was found for.

    Args:
        app: The app; weak, so that an app is freed with its last reference.
        scope_type: The kind of connection.

    Attributes:
        scope_type: The same.
        make_context: Makes the context of a connection.
    """

    __slots__ = ("_app", "make_context", "scope_type")

    def __init__(self, app: ref[ServedApp], scope_type: ScopeType) -> None:
        self._app = app
        self.scope_type = scope_type
        self.make_context: Callable[..., Context] = Context

    def __missing__(self, endpoint: str | None) -> EndpointPlan:
        app = self._app()
        assert app is not None  # Its connection is served, or its context is current.
        plan = self[endpoint] = EndpointPlan(app, self.scope_type, endpoint)
        return plan


class _Unknown(dict[str, Any]):
    """The settings of an app whose configuration may change unnoticed: looked up each time.

    Args:
        app: The app.
    """

    def __init__(self, app: ref[ServedApp]) -> None:
        super().__init__()
        self._app = app

    def __missing__(self, key: str) -> object:
        app = self._app()
        assert app is not None  # It asks for its setting.
        return app.config[key]


class PlanCache:
    """The plans of one app, and what else is known of the app until something changes.

    Args:
        app: The app.
        runners: The functions that run plans (``runners.RUNNERS``).

    Attributes:
        version: An object that each change replaces. A plan has the one that it was made under,
            and is good as long as they are the same.
        tables: The plans, by the type of an ASGI scope.
        direct: The same, where a scope can be dispatched at once; else empty (``serving/asgi.py``).
        settings: The configuration, as a plain dictionary: reading a subclass takes three times as
            long.
        needs_adapter: True, or a list that is not empty, where the URL adapter has to match: for
            subdomains and ``TRUSTED_HOSTS``, or if the configuration may change unnoticed.
    """

    __slots__ = (
        *("__weakref__", "_app", "direct", "needs_adapter", "runners", "settings", "tables"),
        "version",
    )

    def __init__(self, app: ServedApp, runners: Mapping[Runner, Run]) -> None:
        self._app = ref(app)
        self.runners = runners
        self.settings: dict[str, Any] = {}
        self.needs_adapter: list[str] | bool | None = True
        _caches.add(self)
        self.forget()

    def forget(self) -> None:
        """Forget everything, so that the next request makes a new plan."""
        # A plan that another thread makes meanwhile goes into the old table.
        self.version = object()
        self.direct: dict[str, PlanTable] = {}
        self.tables = {kind.name: PlanTable(self._app, kind) for kind in (HTTP, WEBSOCKET)}
        self.read_config()

    def read_config(self) -> None:
        """Read the app's configuration again, after each change of it."""
        app = self._app()
        # A property may return another configuration each time.
        config = None if app is None else vars(app).get("config")
        self.settings = _Unknown(self._app)
        self.needs_adapter = True
        if app is None or not isinstance(config, NoticedDict):
            return
        if config.on_change is None:
            config.on_change = self.read_config
        # Another app may be told of its changes. A subclass may look its values up elsewhere.
        if is_noticed(config, self.read_config) and type(config).__getitem__ is dict.__getitem__:
            self.settings = dict(config)
            subdomains = getattr(app, "subdomain_matching", True)  # It may not be set yet.
            self.needs_adapter = subdomains or config.get("TRUSTED_HOSTS")


_caches: WeakSet[PlanCache] = WeakSet()


def _forget_all(signal: object, /, **connection: object) -> None:
    for cache in list(_caches):
        cache.forget()


for _signal in (
    *(HTTP.started, HTTP.finished, HTTP.tearing_down),
    *(WEBSOCKET.started, WEBSOCKET.finished, WEBSOCKET.tearing_down),
    *(appcontext_pushed, appcontext_popped, appcontext_tearing_down),
):
    _signal.receiver_connected.connect(_forget_all, weak=False)
    _signal.receiver_disconnected.connect(_forget_all, weak=False)


class EndpointPlan:
    """How the requests or websockets of one endpoint are served.

    Args:
        app: The app.
        scope_type: Of requests, or of websockets.
        endpoint: The endpoint; ``None`` where no rule was found.

    Attributes:
        version: The version of the app's :class:`PlanCache` that this was made for.
        view: The view, if there is one.
        before: The "before" functions, in the order in which they run.
        after: The "after" functions, in the order in which they run.
        has_before: Whether anything may run between matching and the view.
        has_after: Whether there may be "after" functions.
        has_teardown: Whether anything may run when the context ends.
        sends_messages: Whether text and JSON can be sent without a response object being made.
        opens_session_early: Whether the session interface is called before everything else.
        run: The function that runs this plan.
    """

    __slots__ = (
        *("after", "before", "has_after", "has_before", "has_teardown", "opens_session_early"),
        *("run", "sends_messages", "version", "view"),
    )

    def __init__(self, app: ServedApp, scope_type: ScopeType, endpoint: str | None) -> None:
        self.version = app.plans.version
        self.view: Function | None = None if endpoint is None else app.view_functions.get(endpoint)
        self.before: tuple[Function, ...] = ()
        self.after: tuple[Function, ...] = ()
        self.has_before = self.has_after = self.has_teardown = True
        # A property may give another class for each response.
        response_class = getattr_static(app, "response_class")
        self.sends_messages = bool(getattr(response_class, "may_be_messages", False))
        self.opens_session_early = opens_early(app.session_interface)
        runner: Runner = "unknown"
        # What a property of a subclass returns may be another object each time.
        registries = map(vars(app).get, scope_type.registries)
        if all(is_noticed(registry, app.plans.forget) for registry in registries):
            runner = self._read_registries(app, scope_type, endpoint)
        self.run = app.plans.runners[runner]

    def _read_registries(
        self, app: ServedApp, scope_type: ScopeType, endpoint: str | None
    ) -> Runner:
        self.before = tuple(first_registered_first(scope_type.before(app), endpoint))
        self.after = tuple(last_registered_first(scope_type.after(app), endpoint))
        preprocessors = tuple(first_registered_first(app.url_value_preprocessors, endpoint))
        self.has_before = bool(self.before or preprocessors)
        self.has_after = bool(self.after)
        self.has_teardown = bool(
            tuple(last_registered_first(scope_type.teardown(app), endpoint))
            or app.teardown_appcontext_funcs
            or scope_type.tearing_down.receivers
            or appcontext_tearing_down.receivers
            or appcontext_popped.receivers
        )
        if self.view is None or isinstance(self.view, _LASTING):
            if self.view is not None and not is_async(self.view):
                return "worker"
            return self._choose_runner(app, scope_type, bool(preprocessors))
        return "unknown"

    def _choose_runner(self, app: ServedApp, scope_type: ScopeType, preprocesses: bool) -> Runner:
        hooks = (*self.before, *self.after)
        more = preprocesses or self.opens_session_early or app.replaced_steps
        if more or _needs_pipeline(scope_type) or not all(map(_lasts, hooks)):
            return "pipeline"
        if hooks or self.has_teardown or not self.sends_messages:
            return "pipeline" if self.view is None else "loop"
        return "unmatched" if self.view is None else "view"


def _needs_pipeline(scope_type: ScopeType) -> bool:
    """Tell whether all connections of a kind need it: there is no other runner, or a receiver."""
    signals = (scope_type.started, scope_type.finished, appcontext_pushed)
    return not scope_type.has_runners or any(signal.receivers for signal in signals)


def _lasts(hook: Function) -> bool:
    """Tell whether a function is ``async def`` and stays so."""
    return isinstance(hook, _LASTING) and is_async(hook)


#: Serves a connection by its plan.
Run = Callable[[Any, Context, EndpointPlan], Awaitable[Any]]

#: Callables that stay ``async def`` or ``def``; other objects may change, as mocks do.
_LASTING = (FunctionType, MethodType)


def find_plan(app: ServedApp, ctx: Context) -> EndpointPlan:
    """Return the plan for what was matched, as everything is registered now.

    Args:
        app: The app.
        ctx: The context, whose URL was matched.

    Returns:
        The plan.
    """
    scope_type: Any = ctx.scope_type
    rule = ctx.url_rule
    return app.plans.tables[scope_type.name][None if rule is None else rule.endpoint]


def first_registered_first(
    registry: dict[str | None, list[Function]], endpoint: str | None
) -> Iterator[Function]:
    """Give the functions for an endpoint: the app's, then those of its blueprints, outermost first.

    What is registered meanwhile is seen.

    Args:
        registry: The functions, by the blueprint's name; the app's own by ``None``.
        endpoint: The endpoint; ``None`` if no rule was found.

    Returns:
        The functions.
    """
    for name in (None, *reversed(_blueprints(endpoint))):
        yield from registry.get(name, ())


def last_registered_first(
    registry: dict[str | None, list[Function]], endpoint: str | None
) -> Iterator[Function]:
    """Give the same functions in the opposite order.

    Args:
        registry: The functions, by the blueprint's name; the app's own by ``None``.
        endpoint: The endpoint; ``None`` if no rule was found.

    Returns:
        The functions.
    """
    for name in (*_blueprints(endpoint), None):
        yield from reversed(registry.get(name, ()))


def _blueprints(endpoint: str | None) -> tuple[str, ...]:
    if endpoint is None or "." not in endpoint:
        return ()
    return blueprint_path(endpoint.rpartition(".")[0])
