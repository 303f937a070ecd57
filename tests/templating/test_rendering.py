"""Templates: found, filled and rendered, by plain calls and awaited ones."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import DictLoader, FileSystemLoader, Template, TemplateNotFound

from asyncflask._contextvars import context_var, current
from asyncflask.concurrency.bridge import run_from_thread
from asyncflask.json.provider import DefaultJSONProvider
from asyncflask.signals import before_render_template, template_rendered
from asyncflask.templating import (
    DispatchingJinjaLoader,
    Environment,
    _default_template_ctx_processor,
    get_template_attribute,
    render_template,
    render_template_async,
    render_template_string,
    render_template_string_async,
    select_jinja_autoescape,
    stream_template,
    stream_template_async,
    stream_template_string,
    stream_template_string_async,
    update_template_context,
    update_template_context_async,
)

TEMPLATES = {
    "hello.html": "Hello {{ name }}!",
    "lines.txt": "{% for n in numbers %}{{ n }}\n{% endfor %}",
    "macros.html": "{% macro hello(name) %}Hi {{ name }}{% endmacro %}{% set size = 3 %}",
}


class App:
    """As much of an app as templates ask for."""

    name = import_name = "shop"
    debug = False
    replaced_steps: frozenset[str] = frozenset()
    loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, **options: Any) -> None:
        self.config = {"EXPLAIN_TEMPLATE_LOADING": False}
        self.logger = logging.getLogger("shop")
        self.jinja_loader: Any = DictLoader(TEMPLATES)
        self.blueprints: list[Any] = []
        self.template_context_processors: Any = defaultdict(list)
        self.template_context_processors[None].append(_default_template_ctx_processor)
        self.json = DefaultJSONProvider(self)  # type: ignore[arg-type]  # it makes no responses
        options.setdefault("autoescape", select_jinja_autoescape)
        self.jinja_env = Environment(self, **options)  # type: ignore[arg-type]  # as much as needed
        self.jinja_env.policies["json.dumps_function"] = self.json.dumps

    def create_global_jinja_loader(self) -> DispatchingJinjaLoader:
        return DispatchingJinjaLoader(self)  # type: ignore[arg-type]  # as much as needed

    def iter_blueprints(self) -> list[Any]:
        return self.blueprints

    def update_template_context(self, context: dict[str, Any]) -> None:
        update_template_context(self, current(), context)  # type: ignore[arg-type]  # the same

    async def update_template_context_async(self, context: dict[str, Any]) -> None:
        await update_template_context_async(self, current(), context)  # type: ignore[arg-type]  # the same

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        def runner(*args: Any, **kwargs: Any) -> Any:
            assert self.loop is not None
            return run_from_thread(func(*args, **kwargs), self.loop)

        return runner


class Context:
    """As much of a context as templates ask for."""

    def __init__(self, app: App, request: Any = None, blueprints: tuple[str, ...] = ()) -> None:
        self.app, self.request, self.matched_blueprints = app, request, blueprints
        self.g = SimpleNamespace(user="bob")
        self.request_context = None if request is None else self

    def keep(self, pieces: Any) -> Any:
        return ("kept", pieces)


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture(autouse=True)
def ctx(app: App) -> Iterator[Context]:
    ctx = Context(app)
    context_var.set(ctx)
    yield ctx
    context_var.set(None)


def use(app: App, request: Any = None, blueprints: tuple[str, ...] = ()) -> None:
    """Make another context the current one."""
    context_var.set(Context(app, request, blueprints))


@pytest.fixture
def receive() -> Iterator[Callable[[Any, Callable[..., Any]], None]]:
    """Connect receivers to signals until the end of the test."""
    connected = []

    def connect(signal: Any, receiver: Callable[..., Any]) -> None:
        signal.connect(receiver)
        connected.append((signal, receiver))

    yield connect
    for signal, receiver in connected:
        signal.disconnect(receiver)


async def collect(pieces: AsyncIterator[str]) -> str:
    return "".join([piece async for piece in pieces])


# -- rendering -------------------------------------------------------------------------------------


async def test_rendering_is_a_plain_call_also_on_the_loop() -> None:
    assert render_template("hello.html", name="<b>") == "Hello &lt;b&gt;!"
    assert render_template_string("{{ a }}{{ g.user }}", a="<") == "&lt;bob"


async def test_every_awaited_form_gives_the_same_text() -> None:
    assert await render_template_async("hello.html", name="<") == "Hello &lt;!"
    assert await render_template_string_async("{{ a }}", a="<") == "&lt;"
    assert await collect(await stream_template_async("lines.txt", numbers=[1, 2])) == "1\n2\n"
    assert await collect(await stream_template_string_async("{{ a }}", a="<")) == "&lt;"


def test_a_stream_renders_no_further_than_it_is_read() -> None:
    numbers = iter([1, 2, 3])
    pieces = stream_template("lines.txt", numbers=numbers)

    assert next(pieces) == "1"
    assert list(numbers) == [2, 3]


def test_the_first_template_that_exists_is_taken() -> None:
    template = Template("given")

    assert render_template(["missing.html", "hello.html"], name="x") == "Hello x!"
    assert render_template(template) == "given"
    with pytest.raises(TemplateNotFound, match=r"none of the templates.*: missing, gone"):
        render_template(["missing", "gone"])


@pytest.mark.parametrize(
    "function",
    [render_template, render_template_string, stream_template, stream_template_string],
)
def test_without_an_app_it_says_where_to_call_it(function: Callable[..., Any]) -> None:
    context_var.set(None)

    with pytest.raises(RuntimeError, match=rf"{function.__name__}\(\).*no app.*\n\nCall it in"):
        function("hello.html")


def test_a_macro_or_variable_of_a_template_can_be_used() -> None:
    assert get_template_attribute("macros.html", "hello")("<") == "Hi &lt;"
    assert get_template_attribute("macros.html", "size") == 3
    with pytest.raises(AttributeError, match="missing"):
        get_template_attribute("macros.html", "missing")


# -- autoescape and JSON ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.html", "a.htm", "a.xml", "a.xhtml", "a.svg", None])
def test_markup_is_escaped(name: str | None) -> None:
    assert select_jinja_autoescape(name)


@pytest.mark.parametrize("name", ["a.txt", "a.mail", "a.html.txt", "html", "a.HTML"])
def test_other_text_is_not_escaped(name: str) -> None:
    assert not select_jinja_autoescape(name)


@pytest.mark.parametrize("enable_async", [False, True])
async def test_attributes_are_escaped_in_both_kinds_of_environment(enable_async: bool) -> None:
    """GHSA-h5c8-rqwp-cp95, GHSA-h75v-3vvj-5mfj (xmlattr): autoescape on, also for async."""
    use(App(enable_async=enable_async))

    text = await render_template_string_async("<a {{ {'title': '\">'}|xmlattr }}>{{ '<' }}")
    assert text == '<a  title="&#34;&gt;">&lt;'
    with pytest.raises(ValueError, match="Invalid character in attribute name"):
        await render_template_string_async("{{ {'onclick=x ': ''}|xmlattr }}")


def test_json_in_a_template_cannot_end_the_script() -> None:
    """Quart's htmlsafe fix: `</script>` in dumped JSON."""
    text = render_template_string("{{ value|tojson }}", value="</script>&'")

    assert text == '"\\u003c/script\\u003e\\u0026\\u0027"'


def test_json_in_a_template_is_the_apps(app: App) -> None:
    app.json.default = lambda o: "ours"

    assert render_template_string("{{ value|tojson }}", value=1j) == '"ours"'


# -- what templates see ----------------------------------------------------------------------------


def test_templates_see_the_request_itself(app: App) -> None:
    request = SimpleNamespace(path="/a")
    use(app, request)

    assert render_template_string("{{ request.path }}") == "/a"
    assert _default_template_ctx_processor()["request"] is request


def test_outside_of_all_contexts_the_default_processor_adds_nothing() -> None:
    context_var.set(None)

    assert _default_template_ctx_processor() == {}


def test_processors_run_from_the_app_to_the_innermost_blueprint(app: App) -> None:
    for name in (None, "shop", "shop.cart", "other"):
        app.template_context_processors[name].append(
            lambda name=name: {"last": name, str(name): True}
        )
    use(app, SimpleNamespace(), ("shop.cart", "shop"))
    context: dict[str, Any] = {}
    app.update_template_context(context)

    assert context["last"] == "shop.cart"
    assert {"None", "shop", "shop.cart"} < set(context)
    assert "other" not in context


def test_what_is_passed_wins_over_processors(app: App) -> None:
    app.template_context_processors[None].append(lambda: {"a": "processor", "b": "processor"})

    assert render_template_string("{{ a }} {{ b }}", a="given") == "given processor"


def test_a_blueprint_without_processors_adds_no_key_to_the_registry(app: App) -> None:
    use(app, SimpleNamespace(), ("shop",))
    render_template_string("")

    assert list(app.template_context_processors) == [None]


async def async_processor() -> dict[str, Any]:
    await asyncio.sleep(0)
    return {"a": "awaited", "given": "processor"}


async def test_an_async_processor_is_awaited_by_the_async_forms(app: App) -> None:
    app.template_context_processors[None].append(async_processor)
    source = "{{ a }} {{ given }}"

    assert await render_template_string_async(source, given="x") == "awaited x"
    assert await collect(await stream_template_string_async(source, given="x")) == "awaited x"


@pytest.mark.parametrize("function", [render_template_string, stream_template_string])
async def test_an_async_processor_met_by_a_plain_call_on_the_loop_says_what_to_write(
    app: App, function: Callable[..., Any]
) -> None:
    app.template_context_processors[None].append(async_processor)

    with pytest.raises(
        RuntimeError, match=r"context processor 'async_processor' is `async def`.*\n\nWrite: +await"
    ):
        function("")


async def test_a_worker_thread_waits_for_an_async_processor(app: App) -> None:
    app.loop = asyncio.get_running_loop()
    app.template_context_processors[None].append(async_processor)

    assert await asyncio.to_thread(render_template_string, "{{ a }}") == "awaited"


# -- enable_async ----------------------------------------------------------------------------------


async def test_an_async_environment_awaits_what_a_template_calls() -> None:
    app = App(enable_async=True)
    use(app)

    assert await render_template_string_async("{{ f().a }}", f=async_processor) == "awaited"
    pieces = await stream_template_string_async("{{ f().a }}", f=async_processor)
    assert await collect(pieces) == "awaited"


async def test_a_plain_call_on_the_loop_cannot_use_an_async_environment() -> None:
    use(App(enable_async=True))

    with pytest.raises(
        RuntimeError, match=r"'hello.html'.*enable_async.*\n\nWrite: +await render_"
    ):
        render_template("hello.html")
    with pytest.raises(RuntimeError, match=r"await stream_template_async\(\.\.\.\)"):
        stream_template("hello.html")
    with pytest.raises(RuntimeError, match=r"^A template string belongs to .*enable_async"):
        render_template_string("Hello")


def test_a_plain_call_off_the_loop_can_use_an_async_environment() -> None:
    use(App(enable_async=True))

    assert render_template("hello.html", name="x") == "Hello x!"


# -- signals ---------------------------------------------------------------------------------------


async def test_signals_come_before_and_after_rendering(app: App, receive: Any) -> None:
    seen: list[Any] = []

    def before(sender: App, template: Template, context: dict[str, Any]) -> None:
        context["name"] = "changed"
        seen.append(("before", sender, template.name))

    def after(sender: App, template: Template, context: dict[str, Any]) -> None:
        seen.append(("after", sender, context["name"]))

    receive(before_render_template, before)
    receive(template_rendered, after)
    expected = [("before", app, "hello.html"), ("after", app, "changed")]

    assert render_template("hello.html", name="x") == "Hello changed!"
    assert await render_template_async("hello.html", name="x") == "Hello changed!"
    assert "".join(stream_template("hello.html", name="x")) == "Hello changed!"
    assert await collect(await stream_template_async("hello.html", name="x")) == "Hello changed!"
    assert seen == expected * 4


def test_a_streams_second_signal_comes_at_its_end(receive: Any) -> None:
    seen: list[Any] = []
    receive(template_rendered, lambda sender, **kwargs: seen.append(sender))
    pieces = stream_template("hello.html", name="x")
    next(pieces)
    assert seen == []

    list(pieces)
    assert len(seen) == 1


async def test_async_receivers_are_awaited_by_the_async_forms_only(app: App, receive: Any) -> None:
    seen: list[Any] = []

    async def receiver(sender: App, **kwargs: Any) -> None:
        await asyncio.sleep(0)
        seen.append(sender)

    receive(template_rendered, receiver)
    await render_template_async("hello.html")

    assert seen == [app]
    with pytest.raises(
        RuntimeError, match=r"receiver of the signal template-rendered '.*receiver' is `async def`"
    ):
        render_template("hello.html")


# -- streams and their context ---------------------------------------------------------------------


async def test_a_stream_in_a_request_is_kept_by_its_context(app: App) -> None:
    use(app, SimpleNamespace())
    word, pieces = stream_template("hello.html", name="x")  # type: ignore[misc]  # see Context.keep
    async_word, async_pieces = await stream_template_async("hello.html", name="x")  # type: ignore[misc]  # the same

    assert word == async_word == "kept"
    assert "".join(pieces) == await collect(async_pieces) == "Hello x!"


# -- loading ---------------------------------------------------------------------------------------


def blueprint(name: str, **templates: str) -> Any:
    loader = DictLoader({f"{key}.html": text for key, text in templates.items()})
    return SimpleNamespace(name=name, import_name=f"shop.{name}", jinja_loader=loader)


def test_the_apps_templates_come_before_those_of_blueprints_in_order(app: App) -> None:
    app.blueprints += [
        blueprint("a", hello="a", own="a"),
        SimpleNamespace(name="none", import_name="x", jinja_loader=None),
        blueprint("b", own="b", third="b"),
    ]

    assert render_template("hello.html", name="x") == "Hello x!"
    assert render_template("own.html") == "a"
    assert render_template("third.html") == "b"
    assert set(app.jinja_env.list_templates()) == {*TEMPLATES, "own.html", "third.html"}


def test_an_app_without_template_folder_has_no_templates(app: App) -> None:
    app.jinja_loader = None

    with pytest.raises(TemplateNotFound, match=r"^hello\.html$"):
        render_template("hello.html")


def test_another_loader_may_be_given() -> None:
    env = Environment(App(), loader=DictLoader({"a": "given"}))  # type: ignore[arg-type]  # as much as needed

    assert env.get_template("a").render() == "given"


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/passwd", "a/../../secret.txt"])
def test_a_name_does_not_leave_the_template_folder(app: App, tmp_path: Path, name: str) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "secret.txt").touch()
    app.jinja_loader = FileSystemLoader(tmp_path / "templates")

    with pytest.raises(TemplateNotFound, match=r"secret|passwd"):
        render_template(name)


def explanation(app: App, caplog: pytest.LogCaptureFixture, name: str) -> str:
    app.config["EXPLAIN_TEMPLATE_LOADING"] = True
    caplog.set_level(logging.INFO, "shop")
    try:
        render_template(name)
    except TemplateNotFound:
        pass
    return caplog.messages[0]


def test_loading_is_explained_on_request(
    app: App, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    app.jinja_loader = FileSystemLoader(tmp_path)
    app.jinja_loader._private, app.jinja_loader.unreadable = "not shown", [object()]
    app.blueprints.append(blueprint("a", own="a"))

    assert explanation(app, caplog, "own.html") == (
        "Locating template 'own.html':\n"
        "    1: trying loader of application 'shop'\n"
        "       class: jinja2.loaders.FileSystemLoader\n"
        "       encoding: 'utf-8'\n"
        "       followlinks: False\n"
        "       searchpath:\n"
        f"         - {tmp_path}\n"
        "       -> no match\n"
        "    2: trying loader of blueprint 'a' (shop.a)\n"
        "       class: jinja2.loaders.DictLoader\n"
        "       -> found ('<string>')"
    )


def test_a_template_that_is_nowhere_is_explained_with_the_blueprint(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    use(app, SimpleNamespace(), ("a.b", "a"))
    text = explanation(app, caplog, "missing.html")

    assert "Error: the template could not be found." in text
    assert "belongs to the blueprint 'a.b'" in text


def test_a_template_that_is_twice_is_explained_and_the_first_is_used(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    app.blueprints.append(blueprint("a", hello="a"))

    assert "2 loaders have a template of this name" in explanation(app, caplog, "hello.html")
    assert render_template("hello.html", name="x") == "Hello x!"
