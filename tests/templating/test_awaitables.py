"""A template never uses a coroutine as a value: it is awaited, or refused with its expression.

Warnings are errors here, so every refusal has to close the coroutine that it refuses.
"""

from __future__ import annotations

import asyncio
import functools
import gc
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest
from jinja2.nativetypes import NativeEnvironment
from jinja2.sandbox import SandboxedEnvironment
from werkzeug.local import LocalProxy

from asyncflask import (
    Flask,
    get_template_attribute,
    render_template,
    render_template_async,
    render_template_string,
    render_template_string_async,
    stream_template,
)
from asyncflask.exceptions import UnawaitedAccess
from asyncflask.templating import (
    stream_template_string,
    stream_template_string_async,
)
from asyncflask.templating.awaitables import PLAIN, checked
from asyncflask.templating.checked_filters import CHECKED_FILTERS
from asyncflask.templating.environment import Environment, awaiting


class Lazy:
    """An awaitable that is no coroutine, as a query of an asynchronous ORM is."""

    name = "query"

    def __await__(self) -> Iterator[Any]:
        yield from ()
        return False


class User:
    """What an asynchronous login extension gives to templates."""

    name = "bob"
    query = Lazy()

    async def may(self, *args: Any, **kwargs: Any) -> bool:
        return False

    @property
    async def is_authenticated(self) -> bool:
        return False

    @property
    async def title(self) -> str:
        return "Dr"

    @property
    async def boss(self) -> User:
        return User()

    def find(self) -> Lazy:
        return Lazy()

    def __getitem__(self, key: str) -> Any:
        if key != "shop":
            raise KeyError(key)
        return self.may(key)


async def masked(number: str, *args: Any) -> str:
    return "***" + number[-2:]


async def admin(name: str) -> bool:
    return False


async def price(*args: Any) -> int:
    return 7


def lowered(value: str, *args: Any) -> Any:
    """A filter that looks synchronous, as one made by a decorator does."""
    return price()


def allowed(value: str) -> Any:
    """A test that looks synchronous."""
    return admin(value)


async def numbers() -> AsyncIterator[int]:
    yield 1
    yield 2


def made(attribute: str) -> Iterable[Any]:
    """An iterable that is neither a list nor an iterator."""
    return {attribute: getattr(User(), attribute)}.values()


class Callable_:
    async def __call__(self, value: str) -> str:
        return value.upper()


@pytest.fixture
def app() -> Flask:
    return make_app()


def make_app(**options: Any) -> Flask:
    class Site(Flask):
        jinja_options = options

    app = Site(__name__)
    app.jinja_loader = jinja2.DictLoader(
        {
            "page.html": "{% if user.is_authenticated %}SECRET{% else %}-{% endif %}",
            "child.html": "{% extends 'base.html' %}{% block body %}{{ price() }}{% endblock %}",
            "base.html": "<{% block body %}{% endblock %}>{% include 'page.html' %}",
            "macros.html": "{% macro show(x) %}{% if x %}SECRET{% endif %}{% endmacro %}",
            "uses.html": "{% from 'macros.html' import show %}{{ show(user.query) }}",
        }
    )
    app.add_template_filter(masked)
    app.add_template_filter(Callable_(), "shouted")
    app.add_template_filter(functools.partial(masked), "partly")
    app.add_template_filter(lowered)
    app.add_template_test(admin)
    app.add_template_test(allowed)
    app.add_template_global(price)
    return app


#: template -> (the expression that a synchronous rendering refuses, what an awaited one gives)
PAGES = {
    "{% if user.is_authenticated %}SECRET{% endif %}": ("user.is_authenticated", ""),
    "{{ 'SECRET' if user.is_authenticated else '-' }}": ("user.is_authenticated", "-"),
    "{{ user.is_authenticated and 'SECRET' }}": ("user.is_authenticated", "False"),
    "{{ user.is_authenticated or '-' }}": ("user.is_authenticated", "-"),
    "{{ not user.is_authenticated }}": ("user.is_authenticated", "True"),
    "{{ user.title }}": ("user.title", "Dr"),
    "{{ user['title'] }}": ("user['title']", "Dr"),
    "{{ user['shop'] }}": ("user['shop']", "False"),
    "{{ user.boss.name }}": ("user.boss", "bob"),
    "{% if user.may('read') %}SECRET{% endif %}": ("user.may('read')", ""),
    "{% if user.may(what='read') %}SECRET{% endif %}": ("user.may(…)", ""),
    "{% if user.find() %}SECRET{% endif %}": ("user.find()", ""),
    "{% if user.query %}SECRET{% endif %}": ("user.query", ""),
    "{{ user.query }}": ("user.query", "False"),
    "{% set q = user.query %}{% if q %}SECRET{% endif %}": ("q", ""),
    "{% with q = user.query %}{{ q }}{% endwith %}": ("q", "False"),
    "{{ '4711'|masked }}": ("'4711'|masked", "***11"),
    "{{ '4711'|masked(1)|upper }}": ("'4711'|masked(1)", "***11"),
    "{{ 'a'|shouted }}": ("'a'|shouted", "A"),
    "{{ '4711'|partly }}": ("'4711'|partly", "***11"),
    "{% filter masked %}4711{% endfilter %}": ("|masked", "***11"),
    "{% set n|masked %}4711{% endset %}{{ n }}": ("|masked", "***11"),
    "{{ user.title|default('-') }}": ("user.title", "Dr"),
    "{{ user|attr('title') }}": ("user|attr('title')", "Dr"),
    "{% if 'bob' is admin %}SECRET{% endif %}": ("'bob' is admin", ""),
    "{% if user.name is not admin %}-{% endif %}": ("user.name is admin", "-"),
    "{{ user.title is defined }}": ("user.title", "True"),
    "{{ user.boss.boss.name }}": ("user.boss", "bob"),
    "{{ user['boss']['name'] }}": ("user['boss']", "bob"),
    "{{ user.may().real }}": ("user.may()", "0"),
    "{% if user.boss.missing is defined %}x{% endif %}": ("user.boss", ""),
    "{{ user.title|default('-')|upper }}": ("user.title", "DR"),
    "{% set unused = user.title %}": ("user.title", ""),
    "{{ price() }}": ("price()", "7"),
    "{{ price() + 1 }}": ("price()", "8"),
    "{{ price() ~ '€' }}": ("price()", "7€"),
    "{{ price() > 6 }}": ("price()", "True"),
    "{{ 7 in [price()] }}": ("price()", "True"),
    "{{ [1, 2][user.may()] }}": ("user.may()", "1"),
    "{{ {'a': price()}.a }}": ("price()", "7"),
    "{{ [price()]|join }}": ("price()", "7"),
    "{{ '%s'|format(price()) }}": ("price()", "7"),
    "{{ '%s' % price() }}": ("price()", "7"),
    "{% set x = price() %}{{ x }}": ("price()", "7"),
    "{% set x %}{{ price() }}{% endset %}{{ x }}": ("price()", "7"),
    "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(price()) }}": ("price()", "7"),
    "{% macro m(x) %}{% if x %}SECRET{% endif %}{% endmacro %}{{ m(user.query) }}": ("x", ""),
    "{% macro m(x=price()) %}{{ x }}{% endmacro %}{{ m() }}": ("price()", "7"),
    "{% for x in numbers() %}{{ x }}{% endfor %}": ("numbers()", "12"),
    "{% for x in [1] %}{{ loop.cycle(price(), 'b') }}{% endfor %}": ("price()", "7"),
    "{% for x in ['471'] %}{{ loop.cycle('a') }}{{ x|masked }}{% endfor %}": (
        "x|masked",
        "a***71",
    ),
    "{% for x in user.may() or [1] %}{{ x }}{% endfor %}": ("user.may()", "1"),
    "{% for x in [1] if x is admin %}SECRET{% else %}-{% endfor %}": ("x is admin", "-"),
    "{{ ['4711']|map('masked')|join }}": ("…|masked", "***11"),
    "{{ [user]|map(attribute='title')|join }}": ("User.title", "Dr"),
    "{{ [user]|map(attribute='boss.title')|join }}": ("User.boss", "Dr"),
    "{{ [user]|map(attribute='boss.age', default='?')|join }}": ("User.boss", "?"),
    "{{ ['a']|select('admin')|list }}": ("… is admin", "[]"),
    "{{ ['a']|reject('admin')|join }}": ("… is admin", "a"),
    "{{ [user]|selectattr('is_authenticated')|list }}": ("User.is_authenticated", "[]"),
    "{{ [user]|rejectattr('is_authenticated')|list|length }}": ("User.is_authenticated", "1"),
    "{{ [user]|selectattr('title', 'eq', 'Dr')|list|length }}": ("User.title", "1"),
    "{{ [user]|selectattr('name', 'admin')|list }}": ("… is admin", "[]"),
    "{{ 'a'|lowered }}": ("'a'|lowered", "7"),
    "{{ '-' if 'a'|lowered != 7 }}": ("'a'|lowered", ""),
    "{{ 'a'|lowered|lowered }}": ("'a'|lowered", "7"),
    "{% if not 'a'|lowered %}SECRET{% endif %}": ("'a'|lowered", ""),
    "{{ 'SECRET' if 'a' is allowed }}": ("'a' is allowed", ""),
    "{{ 'SECRET' if 'a' is allowed or false else '-' }}": ("'a' is allowed", "-"),
    "{{ 'a' is not allowed }}": ("'a' is allowed", "True"),
    "{{ ('a' is allowed) ~ '' }}": ("'a' is allowed", "False"),
    "{{ made('title')|map('upper')|join }}": ("an item of the list", "DR"),
    "{{ made('is_authenticated')|select|list }}": ("an item of the list", "[]"),
    "{{ made('is_authenticated')|reject('false')|list }}": ("an item of the list", "[]"),
    "{{ made('boss')|map(attribute='name')|join }}": ("an item of the list", "bob"),
    "{{ made('boss')|selectattr('admin')|list }}": ("an item of the list", "[]"),
}


@pytest.mark.parametrize("page", PAGES)
async def test_a_synchronous_rendering_refuses_what_it_cannot_await(app: Flask, page: str) -> None:
    expression, _ = PAGES[page]

    async with app.test_request_context("/"):
        with pytest.raises(UnawaitedAccess) as caught:
            render_template_string(page, user=User(), numbers=numbers, made=made)
    message = str(caught.value)
    assert f"`{expression}`" in message
    assert "render_template_async" in message
    assert "enable_async" in message
    gc.collect()  # A coroutine that was not closed would warn.


@pytest.mark.parametrize("enable_async", [False, True])
@pytest.mark.parametrize("page", PAGES)
async def test_an_awaited_rendering_awaits_it(page: str, enable_async: bool) -> None:
    _, expected = PAGES[page]

    async with make_app(enable_async=enable_async).test_request_context("/"):
        text = await render_template_string_async(page, user=User(), numbers=numbers, made=made)
        pieces = await stream_template_string_async(page, user=User(), numbers=numbers, made=made)
        streamed = "".join([piece async for piece in pieces])
    assert text == streamed == expected


#: what Jinja does not await: (template, the expression that is refused)
NEVER_AWAITED = [
    ("{{ coro }}", "coro"),
    ("{% if coro %}SECRET{% endif %}", "coro"),
    ("{{ coro.name }}", "coro"),
    ("{{ coro() }}", "coro"),
    ("{% for c in coros %}{% if c %}SECRET{% endif %}{% endfor %}", "c"),
    ("{{ coros|first }}", "coros|first"),
    ("{{ coros|join }}", "an item of the list"),
    ("{{ '%s'|format(coro) }}", "coro"),
    ("{{ [user]|sort(attribute='title')|length }}", "User.title"),
    ("{{ [user]|groupby('title')|length }}", "User.title"),
    ("{{ [user]|unique(attribute='title')|list|length }}", "User.title"),
    ("{{ [user]|min(attribute='title') }}", "User.title"),
    ("{{ [user]|max(attribute='title') }}", "User.title"),
    ("{{ [user]|sum(attribute='title') }}", "User.title"),
    ("{{ [user]|join(attribute='title') }}", "User.title"),
]


@pytest.mark.parametrize(("page", "expression"), NEVER_AWAITED)
@pytest.mark.parametrize("awaited", [False, True])
async def test_what_no_rendering_awaits_is_refused(
    app: Flask, page: str, expression: str, awaited: bool
) -> None:
    coro, in_list = price(), price()
    context = {"coro": coro, "coros": [in_list], "user": User()}

    async with app.test_request_context("/"):
        with pytest.raises(UnawaitedAccess) as caught:
            if awaited:
                await render_template_string_async(page, **context)
            else:
                render_template_string(page, **context)
    assert f"`{expression}`" in str(caught.value)
    assert "`name=await value`" in str(caught.value)
    for each in (coro, in_list):
        each.close()


async def test_the_error_says_in_which_line_of_which_template(app: Flask) -> None:
    async with app.test_request_context("/"):
        with pytest.raises(UnawaitedAccess, match=r"^In line 1 of the template 'page\.html'"):
            render_template("page.html", user=User())
        with pytest.raises(UnawaitedAccess, match=r"^In line 2 of a template string: `pri"):
            render_template_string("\n{{ price() }}")


async def test_inheritance_includes_and_imports_are_checked_and_awaited(app: Flask) -> None:
    async with app.test_request_context("/"):
        assert await render_template_async("child.html", user=User()) == "<7>-"
        assert await render_template_async(["none.html", "page.html"], user=User()) == "-"
        assert await render_template_async("uses.html", user=User()) == ""
        with pytest.raises(UnawaitedAccess, match=r"'child\.html': `price\(\)`"):
            render_template("child.html", user=User())
        with pytest.raises(UnawaitedAccess, match=r"'macros\.html': `x`"):
            render_template("uses.html", user=User())


async def test_streams_and_macros_called_from_python_are_checked(app: Flask) -> None:
    async with app.test_request_context("/"):
        with pytest.raises(UnawaitedAccess, match=r"user\.is_authenticated"):
            "".join(stream_template("page.html", user=User()))
        with pytest.raises(UnawaitedAccess, match=r"price\(\)"):
            "".join(stream_template_string("{{ price() }}"))
        with pytest.raises(UnawaitedAccess, match="`x`"):
            get_template_attribute("macros.html", "show")(price())


@pytest.mark.parametrize("base", [jinja2.Environment, SandboxedEnvironment, NativeEnvironment])
async def test_an_environment_that_is_not_ours_is_checked_too(base: Any) -> None:
    class Site(Flask):
        def create_jinja_environment(self) -> Any:
            return base(loader=make_app().jinja_loader, bytecode_cache=Kept())

    async with Site("site").test_request_context("/"):
        for page in ("{{ user.title }}", "{{ [user]|map(attribute='title')|first }}"):
            with pytest.raises(UnawaitedAccess, match="title"):
                render_template_string(page, user=User())
        assert await render_template_string_async("{{ user.title }}", user=User()) == "Dr"


class Kept(jinja2.BytecodeCache):
    """A cache of compiled templates, as a folder is one that outlives its process."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Any) -> None:
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Any) -> None:
        self.kept[bucket.key] = bucket.bytecode_to_string()

    def clear(self) -> None:
        self.kept.clear()


@pytest.mark.parametrize("late", [False, True])
async def test_code_that_plain_jinja_has_compiled_is_not_used(late: bool) -> None:
    cache = Kept()
    loader = make_app().jinja_loader
    jinja2.Environment(loader=loader, bytecode_cache=cache).get_template("page.html")
    app = make_app(**{} if late else {"bytecode_cache": cache})
    if late:
        app.jinja_env.bytecode_cache = cache

    async with app.test_request_context("/"):
        with pytest.raises(UnawaitedAccess, match=r"user\.is_authenticated"):
            render_template("page.html", user=User())
        assert len(cache.kept) == 2
        assert make_app(bytecode_cache=cache).jinja_env.get_template("page.html")
        assert len(cache.kept) == 2
    app.jinja_env.bytecode_cache.clear()  # type: ignore[union-attr]  # it is there
    assert not cache.kept


async def test_a_template_object_is_checked_by_its_own_environment(app: Flask) -> None:
    async with app.test_request_context("/"):
        template = app.jinja_env.get_template("page.html")

        with pytest.raises(UnawaitedAccess, match=r"user\.is_authenticated"):
            await render_template_async(template, user=User())


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_view_never_shows_what_a_coroutine_guards(
    app: Flask, caplog: pytest.LogCaptureFixture, is_async: bool
) -> None:
    async def index() -> str:
        return render_template("page.html", user=User())

    def index_in_thread() -> str:
        return render_template("page.html", user=User())

    app.add_url_rule("/", view_func=index if is_async else index_in_thread)

    response = await app.test_client().get("/")

    assert response.status_code == 500
    assert "`user.is_authenticated` is an un-awaited coroutine" in caplog.text


async def test_context_processors_do_not_smuggle_coroutines_in(app: Flask) -> None:
    @app.context_processor
    def give() -> dict[str, Any]:
        return {"member": coro}

    async with app.test_request_context("/"):
        for page in ("{% if member %}SECRET{% endif %}", "{{ member }}"):
            coro = admin("bob")
            with pytest.raises(UnawaitedAccess, match="`member`"):
                render_template_string(page)
        coro = admin("bob")
        assert render_template_string("{% if false %}{{ member }}{% endif %}-") == "-"
        coro.close()


# -- what stays as it was --------------------------------------------------------------------------


ORDINARY = [
    ("{{ user.name }} {{ [3, 1]|sort|join }} {{ range(3)|map('string')|join }}", "bob 13 012"),
    ("{{ users|map(attribute='name')|join(',') }}", "bob,bob"),
    ("{{ users|groupby('name')|length }} {{ users|join('-', attribute='name') }}", "1 bob-bob"),
    ("{{ users|selectattr('name', 'eq', 'bob')|list|length }}", "2"),
    ("{{ users|map(attribute='age', default=9)|sum }} {{ [1, 0]|select|list }}", "18 [1]"),
    ("{{ type(user) }} {{ no_name }}{{ no_name is defined }}", "User False"),
    ("{% for x in users %}{{ loop.index }}{{ x.name[0] }}{% endfor %}", "1b2b"),
    (
        "{% for x in users %}{{ loop.cycle('a', 'b') }}{{ loop.changed(1) }}{% endfor %}",
        "aTruebFalse",
    ),
    ("{{ 'a,b'.split(',')|last }} {{ 'x'|upper }} {{ 5 is odd }} {{ 'abc'[1:] }}", "b X True bc"),
    ("{{ namespace(a=1).a }} {{ config.DEBUG }} {{ request.path }}", "1 False /"),
    ("{{ session.get('x') }} {{ g.get('x') }} {{ '<'|e }}", "None None &lt;"),
]


@pytest.mark.parametrize(("page", "expected"), ORDINARY)
async def test_ordinary_templates_are_rendered_as_before(
    app: Flask, page: str, expected: str
) -> None:
    context = {"user": User(), "users": [User(), User()], "type": lambda x: type(x).__name__}

    async with app.test_request_context("/"):
        assert render_template_string(page, **context) == expected
        assert await render_template_string_async(page, **context) == expected


async def test_a_function_may_be_given_a_task_and_its_attributes_be_used(app: Flask) -> None:
    task = asyncio.create_task(price())
    page = "{{ task.get_name() }} {{ describe(task) }} {{ [task]|map(attribute='x')|list|length }}"
    query = " {{ user.query.name }} {{ user.query is defined }}"

    async with app.test_request_context("/"):
        task.set_name("t")
        text = render_template_string(
            page + query, task=task, describe=lambda _: "task", user=User()
        )
        assert text == "t task 1 query True"
    await task


async def test_a_proxy_is_judged_by_what_it_stands_for(app: Flask) -> None:
    coro = price()
    async with app.test_request_context("/"):
        assert render_template_string("{{ p }}", p=LocalProxy(lambda: "text")) == "text"
        with pytest.raises(UnawaitedAccess, match="`p`"):
            render_template_string("{% if p %}SECRET{% endif %}", p=LocalProxy(lambda: coro))
    coro.close()

    def unbound() -> Any:
        raise RuntimeError("no context")

    proxy = LocalProxy(unbound)
    assert checked(proxy, "p", "here") is proxy


def test_types_are_remembered_but_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    class Remembered:
        pass

    checked(Remembered(), "x", "here")
    assert Remembered in PLAIN

    class NotRemembered:
        pass

    monkeypatch.setattr("asyncflask.templating.awaitables._PLAIN_MAX", 0)
    checked(NotRemembered(), "x", "here")
    assert NotRemembered not in PLAIN
    PLAIN.discard(Remembered)


def test_an_async_filter_is_not_called_while_a_template_is_compiled(app: Flask) -> None:
    calls = []

    @app.template_filter()
    async def counted(value: str) -> str:
        calls.append(value)
        return value

    app.jinja_env.from_string("{% if false %}{{ 'a'|counted }}{% endif %}").render()

    assert not calls
    gc.collect()


@pytest.mark.parametrize("order", ["first", "last"])
def test_the_sandbox_stays_one(order: str) -> None:
    bases = (Environment, SandboxedEnvironment)
    cls: Any = type("Sandbox", bases if order == "first" else bases[::-1], {})
    env = cls(SimpleNamespace(), loader=jinja2.DictLoader({}))
    reached = []

    for twin in (env, awaiting(env)):
        for page in (
            "{{ ''.__class__.mro }}",
            "{{ ''['__class__'].mro }}",
            "{{ ['']|map(attribute='__class__.mro')|list }}",
            "{{ ['']|selectattr('__class__.mro')|list }}",
            "{{ ['']|sort(attribute='__class__.mro') }}",
        ):
            try:
                template = twin.from_string(page)
                text = asyncio.run(template.render_async()) if twin.is_async else template.render()
            except jinja2.exceptions.SecurityError:
                continue
            reached.append((page, text))
    assert [text for _, text in reached if "built-in" in text or "object" in text] == []
    with pytest.raises(UnawaitedAccess, match=r"user\.title"):
        env.from_string("{{ user.title }}").render(user=User())


def test_a_native_environment_stays_one() -> None:
    class Native(Environment, NativeEnvironment):
        pass

    app: Any = SimpleNamespace()
    env = Native(app, loader=jinja2.DictLoader({}))

    assert env.from_string("{{ [1, 2] }}").render() == [1, 2]
    with pytest.raises(UnawaitedAccess, match=r"user\.title"):
        env.from_string("{{ user.title }}").render(user=User())


def test_a_code_generator_of_the_apps_own_is_used_as_well() -> None:
    class Generator(jinja2.compiler.CodeGenerator):
        def visit_TemplateData(self, node: Any, frame: Any) -> None:
            self.write("'own'")

    class Own(Environment):
        code_generator_class = Generator

    env = Own(SimpleNamespace(), loader=jinja2.DictLoader({}))  # type: ignore[arg-type]  # enough

    assert issubclass(Own.code_generator_class, Generator)
    with pytest.raises(UnawaitedAccess, match=r"user\.title"):
        env.from_string("{{ user.title }}").render(user=User())


def test_filters_are_called_as_jinjas_own() -> None:
    for name, function in CHECKED_FILTERS.items():
        own: Any = jinja2.filters.FILTERS[name]
        assert function.__doc__ == own.__doc__
        assert function.jinja_pass_arg is own.jinja_pass_arg  # type: ignore[attr-defined]


def test_wrong_arguments_of_filters_are_refused_as_by_jinja(app: Flask) -> None:
    template = awaiting(app.jinja_env).from_string("{{ [1]|selectattr|list }}")

    with pytest.raises(jinja2.exceptions.FilterArgumentError, match="attribute name"):
        asyncio.run(template.render_async())


# -- the environment that awaits -------------------------------------------------------------------


def test_the_awaiting_environment_follows_the_apps(app: Flask) -> None:
    env = app.jinja_env
    twin = awaiting(env)

    assert twin.is_async
    assert awaiting(env) is twin
    assert awaiting(twin) is twin
    env.filters["late"] = str
    assert "late" in twin.filters
    env.trim_blocks = True
    assert awaiting(env) is not twin
    assert awaiting(env).trim_blocks
    twin = awaiting(env)
    env.add_extension("jinja2.ext.do")
    assert "jinja2.ext.ExprStmtExtension" in awaiting(env).extensions
    assert not env.is_async


def test_the_awaiting_environment_does_not_share_a_cache_of_code(tmp_path: Any) -> None:
    cache = jinja2.FileSystemBytecodeCache(str(tmp_path))
    app = make_app(bytecode_cache=cache)

    async def both() -> Awaitable[str] | str:
        async with app.test_request_context("/"):
            await render_template_async("page.html", user=User())
            return render_template("page.html", user=SimpleNamespace(is_authenticated=True))

    assert asyncio.run(both()) == "SECRET"  # type: ignore[arg-type]  # a coroutine


# -- operators -------------------------------------------------------------------------------------


class AsyncOperators:
    """A value whose operators would have to be awaited."""

    name = "own"

    async def __eq__(self, other: object) -> bool:  # type: ignore[override]
        return False

    async def _operate(self, *args: object) -> bool:
        return False

    __hash__ = object.__hash__
    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __add__ = __radd__ = __mul__ = _operate
    __sub__ = __truediv__ = __floordiv__ = __mod__ = __pow__ = __neg__ = __pos__ = _operate

    async def equals(self, other: object) -> bool:
        return other == 1


OPERATIONS = [
    *(f"own {operator} 1" for operator in ("==", "!=", "<", "<=", ">", ">=")),
    *(f"1 {operator} own" for operator in ("==", "!=", "<", "<=", ">", ">=", "in", "not in")),
    *(f"own {operator} 1" for operator in ("+", "-", "*", "/", "//", "%", "**")),
    *("1 + own", "-own", "+own", "own in [1]", "0 < 1 < own", "1 == (none or own)"),
    *("1 == (own if 1 else 2)", "holder.own == 1", "holder['own'] + 1", "give() == 1"),
]


def own_values() -> dict[str, Any]:
    own = AsyncOperators()
    return {"own": own, "holder": {"own": own}, "give": lambda: own}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "page", ["{% if OP %}in{% endif %}", "{{ OP }}", "{% set x = OP %}{{ x }}"]
)
@pytest.mark.parametrize("awaited", [False, True])
async def test_an_operator_that_is_async_def_is_refused(
    app: Flask, operation: str, page: str, awaited: bool
) -> None:
    text = page.replace("OP", operation)
    async with app.app_context():
        with pytest.raises(UnawaitedAccess, match=r"`AsyncOperators\.__\w+__` is `async def`"):
            if awaited:
                await render_template_string_async(text, **own_values())
            else:
                render_template_string(text, **own_values())


async def test_a_value_with_async_operators_is_otherwise_an_ordinary_one(app: Flask) -> None:
    text = "{{ own.name }} {{ own.equals(1) }} {{ 'in' if own }} {{ own is none }}"
    async with app.app_context():
        for _ in range(2):
            assert await render_template_string_async(text, **own_values()) == "own True in False"
            with pytest.raises(UnawaitedAccess, match="`own` is used with an operator"):
                await render_template_string_async("{{ own == 1 }}", **own_values())


async def test_only_the_methods_of_the_operator_count(app: Flask) -> None:
    class Ordered:
        async def __contains__(self, item: object) -> bool:
            return True

        def __lt__(self, other: object) -> bool:
            return True

        def __add__(self, other: object) -> str:
            return "sum"

    text = "{{ it < 1 }} {{ it + 1 }} {{ it == 1 }} {{ it in [it] }}"
    async with app.app_context():
        assert render_template_string(text, it=Ordered()) == "True sum False True"
