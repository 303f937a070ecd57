"""What a blueprint records, and the state in which that is played back on an app."""

from __future__ import annotations

import typing as t
from collections.abc import Callable
from functools import update_wrapper

from .. import typing as ft
from .scaffold import Scaffold
from .setupmethod import endpoint_of, setupmethod

if t.TYPE_CHECKING:
    from .app import App
    from .blueprints import Blueprint

DeferredSetupFunction = Callable[["BlueprintSetupState"], object]


class BlueprintSetupState:
    """What is known while a blueprint is registered on an app; handed to recorded functions.

    Source: ``Flask: blueprints.BlueprintSetupState``.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        app: App,
        options: dict[str, t.Any],
        first_registration: bool,
    ) -> None:
        self.app = app
        self.blueprint = blueprint
        self.options = options
        self.first_registration = first_registration
        self.subdomain = _given(options.get("subdomain"), blueprint.subdomain)
        self.url_prefix = _given(options.get("url_prefix"), blueprint.url_prefix)
        self.name = options.get("name", blueprint.name)
        self.name_prefix = options.get("name_prefix", "")
        self.url_defaults = dict(blueprint.url_values_defaults)
        self.url_defaults.update(options.get("url_defaults") or ())

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        **options: t.Any,
    ) -> None:
        """Register a rule on the app, under the blueprint's prefix, subdomain and name.

        Args:
            rule: URL rule, relative to the prefix.
            endpoint: Name of the view, without the blueprint's; by default the function's name.
            view_func: The view.
            options: As for ``app.add_url_rule``.
        """
        if self.url_prefix is not None:
            rule = _join(self.url_prefix, rule)
        options.setdefault("subdomain", self.subdomain)
        endpoint = endpoint_of(view_func) if endpoint is None else endpoint
        defaults = self.url_defaults
        if "defaults" in options:
            defaults = {**defaults, **options.pop("defaults")}
        full = f"{self.name_prefix}.{self.name}.{endpoint}".lstrip(".")
        self.app.add_url_rule(rule, full, view_func, defaults=defaults, **options)


def options_of_inner(
    state: BlueprintSetupState, name: str, inner: Blueprint, options: dict[str, t.Any]
) -> dict[str, t.Any]:
    """Return the options with which a nested blueprint is registered.

    Args:
        state: The outer blueprint's.
        name: The outer blueprint's full name.
        inner: The nested blueprint.
        options: Those with which it was nested.

    Returns:
        New options, below the outer blueprint's subdomain and prefix.
    """
    options = dict(options)
    subdomain = _given(options.get("subdomain"), inner.subdomain)
    if state.subdomain is not None and subdomain is not None:
        options["subdomain"] = f"{subdomain}.{state.subdomain}"
    elif state.subdomain is not None or subdomain is not None:
        options["subdomain"] = _given(subdomain, state.subdomain)
    prefix = _given(options.get("url_prefix"), inner.url_prefix)
    if state.url_prefix is not None and prefix is not None:
        options["url_prefix"] = f"{state.url_prefix.rstrip('/')}/{prefix.lstrip('/')}"
    elif prefix is not None:
        options["url_prefix"] = prefix
    elif state.url_prefix is not None:
        options["url_prefix"] = state.url_prefix
    options["name_prefix"] = name
    return options


def _given(first: str | None, second: str | None) -> str | None:
    return second if first is None else first


def _join(prefix: str, rule: str) -> str:
    if not rule:
        return prefix
    return f"{prefix.rstrip('/')}/{rule.lstrip('/')}"


class Recorder(Scaffold):
    """What records functions for the registration on an app."""

    deferred_functions: list[DeferredSetupFunction]

    @setupmethod
    def record(self, func: DeferredSetupFunction) -> None:
        """Register a function that runs at each registration of the blueprint.

        Args:
            func: Gets the :class:`BlueprintSetupState`.
        """
        self.deferred_functions.append(func)

    @setupmethod
    def record_once(self, func: DeferredSetupFunction) -> None:
        """Register a function that runs at the first registration of the blueprint on an app.

        Args:
            func: Gets the :class:`BlueprintSetupState`.
        """

        def wrapper(state: BlueprintSetupState) -> None:
            if state.first_registration:
                func(state)

        self.record(update_wrapper(wrapper, func))
