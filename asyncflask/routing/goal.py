"""A rule at the end of a path: what it makes of the texts that were found on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter, IntegerConverter, Rule, ValidationError

from .rule import add_path

#: A match, a refusal (returned, not raised), or None: ask Werkzeug.
Answer: TypeAlias = tuple[Rule, dict[str, Any]] | HTTPException | None


class Goal:
    """A rule at the end of a path, with what makes view arguments of the texts found on the way.

    Args:
        rule: The rule.
        outranked: Another rule of the endpoint has defaults for this one: Werkzeug may redirect to
            that.
    """

    __slots__ = ("arguments", "outranked", "rule")

    def __init__(self, rule: Rule, outranked: bool) -> None:
        add_path(rule)
        self.rule = rule
        self.outranked = outranked
        #: The name of each variable, and its converter; None hands the text on as it is.
        self.arguments = tuple(
            (str(name), _to_python(converter)) for name, converter in rule._converters.items()
        )

    def answer(self, values: Sequence[str]) -> Answer:
        """Return the rule with its view arguments, or None where Werkzeug has to redirect.

        Args:
            values: The texts for the variables.

        Raises:
            ValidationError: A converter refused its text.
        """
        rule = self.rule
        if self.outranked or rule.alias or rule.redirect_to is not None:
            return None
        view_args: dict[str, Any] = {}
        at = 0  # PERF: zip() takes 60 ns for each.
        for name, to_python in self.arguments:
            value = values[at]
            at += 1  # noqa: SIM113
            try:
                view_args[name] = value if to_python is None else to_python(value)
            except ValueError:
                # SECURITY: `int` refuses numbers of thousands of digits; that is a 404, not a 500.
                if to_python is int:
                    raise ValidationError() from None
                raise
        if rule.defaults:
            view_args.update(rule.defaults)
        return rule, view_args


def _to_python(converter: BaseConverter) -> Callable[[str], Any] | None:
    """Return what makes a value of a text; None where the text is the value."""
    kind = type(converter)
    if kind.to_python is BaseConverter.to_python and "to_python" not in vars(converter):
        return None
    # PERF: the built-in `int` 60 ns, IntegerConverter.to_python 250.
    if isinstance(converter, IntegerConverter) and kind is IntegerConverter:
        limits = (converter.fixed_digits, converter.min, converter.max)
        return int if limits == (0, None, None) else converter.to_python
    return converter.to_python
