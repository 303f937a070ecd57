"""Whatever the project looks like: the result parses, no comment is lost, a second run is idle."""

from __future__ import annotations

import ast
import io
import textwrap
import tokenize
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from asyncflask.port.options import Options
from asyncflask.port.project import Source
from asyncflask.port.run import port

EXPRESSIONS = st.sampled_from(
    [
        *("request.form", 'req.form["a"]', "flask.request.files", "request.get_json()"),
        *("request.get_data(as_text=True)", 'request.args["a"]', "helper()", "other(1)"),
        *("[x for x in request.form]", "any(x for x in request.form)", "lambda: request.data"),
        *("request.form or request.values", "not request.json", '{**request.form, "b": 1}'),
        *('f"{request.form} {helper()}"', "time.sleep(1)", "render_template('a.html')"),
        *("(request # here\n    .form)", "client.get('/')", "app.test_client().post('/').json"),
    ]
)
STATEMENTS = st.sampled_from(
    [
        *("value = {}", "return {}", "print({}, *{})", "{}.save('x')", "yield {}", "{}; {}"),
        *("for item in {}:\n    item.save({})", "if {}:  # why\n    pass\nelse:\n    {}"),
        *("with app.test_client() as client:\n    {}", "def inner():\n    return {}"),
        *("try:\n    value = {}\nfinally:\n    # at the end\n    del value", "value: int = {}"),
    ]
)
HEADS = st.sampled_from(
    [
        *("def helper():", "def other(x, *, y={}):", "@app.post('/')\ndef view():"),
        *("async def view():", "@app.before_request\ndef hook():", "def test_it(client):"),
        *("@guard\ndef helper():", "class View(MethodView):\n    def get(self):"),
        *("@app.errorhandler(404)\n# of 404\ndef handler(error):", "def guard(view):"),
    ]
)
COMMENTS = st.sampled_from(["", "  # ends", "\n# on its own", "\n\n"])
IMPORTS = """\
import time  # sleeps
import flask
from flask import (Flask, request,  # the request
    request as req, render_template)
from flask.views import MethodView
app = Flask(__name__)
"""


@st.composite
def modules(draw: st.DrawFn) -> str:
    """Source text that Python can parse."""
    parts = [IMPORTS]
    for _ in range(draw(st.integers(1, 4))):
        head = draw(HEADS).replace("{}", draw(EXPRESSIONS))
        indent = "    " * (head.count("    ") + 1)
        body = []
        for statement in draw(st.lists(STATEMENTS, min_size=1, max_size=3)):
            while "{}" in statement:
                statement = statement.replace("{}", draw(EXPRESSIONS), 1)
            body.append(textwrap.indent(statement + draw(COMMENTS), indent))
        parts += [head + draw(st.sampled_from(["", "  # head"])), *body]
    text = "\n".join(parts) + draw(st.sampled_from(["\n", "", "\n\n# the end\n"]))
    try:
        ast.parse(text)
    except SyntaxError:
        return IMPORTS
    return text


def _comments(content: bytes) -> list[str]:
    tokens = tokenize.tokenize(io.BytesIO(content).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def _port(contents: dict[str, bytes], options: Options) -> dict[str, bytes]:
    sources = [
        Source(Path(name), name.removesuffix(".py"), name.removesuffix(".py"), content)
        for name, content in contents.items()
    ]
    result = port(sources, options)
    assert not result.has_broken_files
    return contents | {str(after.path): after.content for _, after in result.changed}


@pytest.mark.parametrize(
    "options",
    [Options("flask"), Options("async"), Options("async", views="all")],
    ids=["facade", "async", "all views"],
)
@given(app=modules(), tests=modules())
# Without shrinking, which takes minutes; the failing modules are short enough to read.
@settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_a_port_keeps_the_file_whole(app: str, tests: str, options: Options) -> None:
    before = {"app.py": app.encode(), "test_app.py": tests.encode()}

    after = _port(before, options)

    for name, content in after.items():
        ast.parse(content)
        if name in before:
            assert _comments(content) == _comments(before[name])
    assert _port(after, options) == after
