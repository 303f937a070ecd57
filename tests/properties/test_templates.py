"""Templates give what Jinja alone gives, for any values."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import jinja2
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from asyncflask.templating.environment import Environment

SOURCE = """\
{% macro cell(x) %}<td title="{{ x }}">{{ x }}{{ caller(x) if caller else '' }}</td>{% endmacro -%}
{% for x in values %}{{ loop.index }}{{ cell(x) }}{% set y %}{{ x }}!{% endset %}{{ y }}{% endfor %}
{% call(x) cell(values) %}{{ x }}{% endcall %}{{ values|join("<") }}{{ values|first|default("&") }}
{% autoescape false %}{{ values }}{% filter upper %}{{ values|string }}{% endfilter %}
{% endautoescape %}{{ a ~ "'" ~ values|string }}{{ b }}{{ nothing }}{{ values|tojson }}
"""

TEXTS = st.text(st.sampled_from("ab<>&\"'é/;"), max_size=8)
VALUES = st.one_of(
    TEXTS, TEXTS.map(Markup), st.text(max_size=5), st.integers(), st.floats(), st.none()
)
NAMES = st.dictionaries(st.sampled_from(["a", "b", "values"]), st.lists(VALUES, max_size=4))


@given(st.lists(VALUES, max_size=4), NAMES, NAMES)
def test_a_template_gives_what_it_gives_in_jinja(
    values: list[Any], of_environment: dict[str, Any], given: dict[str, Any]
) -> None:
    app: Any = SimpleNamespace()
    ours = Environment(app, loader=None, autoescape=True)
    plain = jinja2.Environment(autoescape=True)
    expected, found = (env.from_string(SOURCE, globals={"a": values}) for env in (plain, ours))
    for env in (plain, ours):
        env.globals.update(of_environment)
    context = {"values": values, **given}

    assert found.render(context) == expected.render(context)
    assert "".join(found.generate(context)) == expected.render(context)
