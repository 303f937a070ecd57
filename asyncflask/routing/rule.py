"""Werkzeug's rule, whose code for building URLs is generated at the first use.

Werkzeug parses rules and builds URLs; this package does the matching. Binding a rule to a map
generates no code.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import werkzeug.routing
from werkzeug.routing import BaseConverter

_Builder = Callable[..., tuple[str, str]]


class _Text:
    """The text of the rule. A rule may set another one, which a property would refuse."""

    def __get__(self, rule: werkzeug.routing.Rule, owner: type | None = None) -> str:
        return rule.rule


class Rule(werkzeug.routing.Rule):
    """Describe one URL pattern and the endpoint it leads to.

    The constructor is Werkzeug's. The code for `url_for` is compiled when the rule first builds a
    URL, so that an app with many rules starts quickly.

    **Differs from Flask:** a copy made by a rule factory (`Submount`, `Subdomain`, …) keeps
    `websocket` and `merge_slashes`; Werkzeug's rule drops both, and so a websocket rule would
    become an HTTP rule. A variable named twice is a `ValueError` that says so, not the
    `SyntaxError` of generated code.

    Source: Flask: `Flask.url_rule_class`.
    """

    #: Whether the app answers OPTIONS. Set by `add_url_rule`; None: not decided.
    provide_automatic_options: bool | None = None

    #: The rule's text, under the names that Starlette's routes have. Tracing tools read them from
    #: ``scope["route"]`` to name a request by its rule.
    path = path_format = _Text()

    def get_converter(self, *args: Any, **kwargs: Any) -> BaseConverter:
        """Return the converter of a variable.

        Args:
            args: As Werkzeug's ``Rule.get_converter``.
            kwargs: As Werkzeug's ``Rule.get_converter``.

        Returns:
            The converter.

        Raises:
            TypeError: The converter has an ``async def`` method, which is never awaited.
        """
        converter = super().get_converter(*args, **kwargs)
        for name in ("to_python", "to_url"):
            if inspect.iscoroutinefunction(getattr(converter, name)):
                raise TypeError(
                    f"The rule {self.rule!r} has the converter {type(converter).__name__}, whose"
                    f" {name}() is `async def`; matching and url_for() do not await. Make it a"
                    " `def`, and await in the view or a `before_request` function."
                )
        return converter

    def get_empty_kwargs(self) -> Mapping[str, Any]:
        """Return the keyword arguments for an unbound copy of this rule.

        Returns:
            Werkzeug's arguments, with `websocket` and `merge_slashes` added.
        """
        kwargs = super().get_empty_kwargs()
        return {**kwargs, "websocket": self.websocket, "merge_slashes": self.merge_slashes}

    def _compile_builder(self, append_unknown: bool = True) -> _Builder:
        # Compiling finds two mistakes, which must be reported when the rule is added, not at the
        # first `url_for`: a variable named twice, and a default that its converter refuses.
        if len(self._converters) < sum(is_variable for is_variable, _ in self._trace):
            raise ValueError(
                f"The rule {self.rule!r} for endpoint {self.endpoint!r} has two variables of one"
                " name. Give each variable its own, for a view gets them as keyword arguments."
            )
        if self.defaults and not self._converters.keys().isdisjoint(self.defaults):
            return super()._compile_builder(append_unknown)
        # PERF: compiling takes more than ten times as long as all else that binding does.
        return type(self)._build_unknown_first if append_unknown else type(self)._build_first

    # These two replace the compiled builders until the first call. `self` is positional only,
    # because a URL value may have that name as well. Two concurrent threads both compile, which
    # is harmless.

    def _build_first(self, /, **values: Any) -> tuple[str, str]:
        self._build = super()._compile_builder(False).__get__(self, None)
        return self._build(**values)

    def _build_unknown_first(self, /, **values: Any) -> tuple[str, str]:
        self._build_unknown = super()._compile_builder(True).__get__(self, None)
        return self._build_unknown(**values)


def add_path(rule: werkzeug.routing.Rule) -> None:
    """Add the attributes that tracing tools read to a rule of Werkzeug's own class.

    Args:
        rule: Any rule; one that has them is not changed.
    """
    if not hasattr(rule, "path_format"):
        vars(rule).update(path=rule.rule, path_format=rule.rule)


def answers_options(rule: object) -> bool:
    """Tell whether OPTIONS is answered without the rule's view.

    Args:
        rule: The rule that was matched; ``None`` without one.

    Returns:
        Whether it is.
    """
    # A rule that was put into the map directly may be Werkzeug's own, which says nothing of it.
    return bool(getattr(rule, "provide_automatic_options", False))
