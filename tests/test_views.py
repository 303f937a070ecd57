"""Class-based views, and whether their functions are ``def`` or ``async def``."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any, ClassVar

import flask.views as oracle
import pytest
from werkzeug.exceptions import MethodNotAllowed

import asyncflask
import asyncflask.flask.views as facade
import asyncflask.views as own
from asyncflask import Response
from asyncflask._contextvars import context_var
from asyncflask.concurrency.inspection import is_async
from asyncflask.testing import TestClient
from asyncflask.views import MethodView, View, http_method_funcs


class App:
    """Records the methods that were adapted to the other kind of function."""

    def __init__(self) -> None:
        self.carried: list[str] = []

    def ensure_async(self, func: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        async def runner(**kwargs: Any) -> Any:
            self.carried.append(f"{func.__name__} to async")
            return func(**kwargs)

        return runner

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        if not is_async(func):
            return func

        def runner(**kwargs: Any) -> Any:
            self.carried.append(f"{func.__name__} to sync")
            return asyncio.run(func(**kwargs))

        return runner


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def method(app: App) -> Iterator[Callable[[str], None]]:
    """Set the method of the current request."""

    def set_method(method: str) -> None:
        context_var.set(
            SimpleNamespace(app=app, request=SimpleNamespace(method=method, url_rule=None))
        )

    set_method("GET")
    yield set_method
    context_var.set(None)


# -- View ------------------------------------------------------------------------------------------


async def test_a_view_is_async_if_dispatch_request_is() -> None:
    class Plain(View):
        def dispatch_request(self, name: str) -> str:  # type: ignore[override]  # as users write it
            return f"Hello {name}"

    class Awaited(View):
        async def dispatch_request(self, name: str) -> str:  # type: ignore[override]  # the same
            return f"Hello {name}"

    plain, awaited = Plain.as_view("plain"), Awaited.as_view("awaited")

    assert plain(name="x") == await awaited(name="x") == "Hello x"
    assert (is_async(plain), is_async(awaited)) == (False, True)


def test_the_function_carries_what_add_url_rule_reads() -> None:
    class Hello(View):
        """Say hello."""

        methods: ClassVar = ["GET", "POST"]
        provide_automatic_options = False

        def dispatch_request(self) -> str:
            return ""

    view: Any = Hello.as_view("hello")

    assert (view.__name__, view.__doc__, view.__module__) == ("hello", "Say hello.", __name__)
    assert (view.methods, view.provide_automatic_options) == (["GET", "POST"], False)
    assert view.view_class is Hello


@pytest.mark.parametrize(("every", "made"), [(True, 2), (False, 1)])
def test_an_instance_is_made_for_every_request_or_once(every: bool, made: int) -> None:
    class Counting(View):
        init_every_request = every
        instances: ClassVar[list[Any]] = []

        def __init__(self, greeting: str, mark: str) -> None:
            self.instances.append(self)
            self.text = greeting + mark

        def __len__(self) -> int:
            return 0

        def dispatch_request(self) -> str:
            return self.text

    view = Counting.as_view("counting", "Hello", mark="!")

    assert view() == view() == "Hello!"
    assert len(Counting.instances) == made


def test_the_class_of_a_view_may_be_replaced() -> None:
    class One(View):
        def dispatch_request(self) -> str:
            return type(self).__name__

    class Other(One):
        pass

    view: Any = One.as_view("one")
    view.view_class = Other

    assert view() == "Other"


def test_decorators_are_applied_in_order_and_keep_the_views_name() -> None:
    seen: list[str] = []

    def mark(letter: str) -> Callable[..., Any]:
        def decorator(view: Any) -> Any:
            seen.append(f"{letter} {view.__name__}")

            @functools.wraps(view)
            def wrapper() -> Any:
                return letter + view()

            return wrapper

        return decorator

    class Decorated(View):
        decorators: ClassVar = [mark("a"), mark("b")]

        def dispatch_request(self) -> str:
            return "c"

    view: Any = Decorated.as_view("decorated")

    assert view() == "bac"
    assert seen == ["a decorated", "b decorated"]
    assert view.view_class is Decorated


def test_a_view_without_dispatch_request_is_an_error_that_says_so() -> None:
    class Empty(View):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty has no dispatch_request\(\)"):
        Empty.as_view("empty")()


# -- MethodView ------------------------------------------------------------------------------------


def test_the_verbs_and_attributes_are_flasks() -> None:
    assert http_method_funcs == oracle.http_method_funcs
    for ours, theirs in ((View, oracle.View), (MethodView, oracle.MethodView)):
        names = ("methods", "provide_automatic_options", "decorators", "init_every_request")
        assert [getattr(ours, name) for name in names] == [getattr(theirs, name) for name in names]


def test_methods_are_those_that_are_defined_and_inherited() -> None:
    class Base(MethodView):
        def get(self) -> str:
            return ""

    class More(Base):
        def propfind(self) -> str:
            return ""

        def post(self) -> str:
            return ""

    class Fewer(More):
        methods: ClassVar = ["GET"]

    class Mixin(MethodView):
        pass

    assert MethodView.methods is Mixin.methods is None
    assert (Base.methods, More.methods, Fewer.methods) == ({"GET"}, {"GET", "POST"}, ["GET"])


def test_a_request_is_answered_by_the_method_of_its_name(method: Any) -> None:
    class Counter(MethodView):
        def get(self, name: str) -> str:
            return f"get {name}"

        def delete(self, name: str) -> str:
            return f"delete {name}"

    view = Counter.as_view("counter")
    assert view(name="x") == "get x"

    method("DELETE")
    assert view(name="x") == "delete x"


def test_head_falls_back_on_get_unless_it_is_defined(method: Any) -> None:
    class Implicit(MethodView):
        def get(self) -> str:
            return "get"

    class Explicit(Implicit):
        def head(self) -> str:
            return "head"

    method("HEAD")

    assert Implicit.as_view("a")() == "get"
    assert Explicit.as_view("b")() == "head"


@pytest.mark.parametrize(
    "name",
    ["__INIT__", "__CLASS__", "AS_VIEW", "DISPATCH_REQUEST", "METHODS", "_FIND", "SECRET", "PUT"],
)
def test_no_other_attribute_can_be_reached_by_a_method(method: Any, name: str) -> None:
    """Starlette's HTTPEndpoint advisory: a method like `__init__` looked up by getattr."""

    class Counter(MethodView):
        methods: ClassVar = ["GET", "__INIT__", "__CLASS__", "AS_VIEW", "METHODS", "_FIND"]

        def get(self) -> str:
            return ""

        def secret(self) -> str:
            raise AssertionError

    method(name)

    with pytest.raises(MethodNotAllowed, match="405") as caught:
        Counter.as_view("counter")()
    assert "GET" in (caught.value.valid_methods or ())


def test_a_method_that_is_declared_is_a_verb(method: Any) -> None:
    class Dav(MethodView):
        methods: ClassVar = ["PROPFIND"]

        def propfind(self) -> str:
            return "found"

    method("PROPFIND")

    assert Dav.as_view("dav")() == "found"


@pytest.mark.parametrize("api", [asyncflask, asyncflask.flask])
@pytest.mark.parametrize("keyword", ["def", "async"])
async def test_a_method_that_only_the_rule_names_is_a_verb(api: Any, keyword: str) -> None:
    class Folder(api.views.MethodView):  # type: ignore[misc]  # of two classes
        def get(self) -> str:
            return "file"

        def propfind(self) -> str:
            return "found"

    class AsyncFolder(Folder):
        async def get(self) -> str:
            return "file"

        async def propfind(self) -> str:
            return "found"

    app = api.Flask(__name__)
    folder = Folder if keyword == "def" else AsyncFolder
    app.add_url_rule(
        "/", view_func=folder.as_view("folder"), methods=["GET", "PROPFIND", "AS_VIEW"]
    )
    client = TestClient(app, Response)

    assert (await client.open("/", method="PROPFIND")).text == "found"
    assert (await client.open("/", method="AS_VIEW")).status_code == 405
    assert (await client.open("/", method="MKCOL")).status_code == 405


@pytest.mark.parametrize("api", [asyncflask, asyncflask.flask])
@pytest.mark.parametrize("verb", ["GET", "HEAD", "POST"])
async def test_an_object_may_have_a_verb_of_its_own(api: Any, verb: str) -> None:
    class Model(api.views.MethodView):  # type: ignore[misc]  # of two classes
        methods: ClassVar = ["GET", "POST"]

        def __init__(self, name: str) -> None:
            self.get = self.post = lambda: name

    app = api.Flask(__name__)
    app.add_url_rule("/", view_func=Model.as_view("model", "ada"))

    response = await TestClient(app, Response).open("/", method=verb)

    assert (response.status_code, response.text) == (200, "" if verb == "HEAD" else "ada")


async def test_beside_an_async_verb_a_def_verb_runs_in_the_worker(app: App, method: Any) -> None:
    class Mixed(MethodView):
        def get(self) -> str:
            return "get"

        async def post(self) -> str:
            return "post"

    view = Mixed.as_view("mixed")
    assert is_async(view)
    assert await view() == "get"
    assert app.carried == ["get to async"]

    method("POST")
    assert await view() == "post"
    assert app.carried == ["get to async"]


def test_verbs_that_are_all_def_make_a_def_view(app: App, method: Any) -> None:
    class Plain(MethodView):
        def get(self) -> str:
            return "get"

    view = Plain.as_view("plain")

    assert not is_async(view)
    assert view() == "get"
    assert app.carried == []


def test_an_overridden_def_dispatch_request_runs_in_the_worker(app: App, method: Any) -> None:
    class Checked(MethodView):
        def dispatch_request(self, **kwargs: Any) -> Any:
            return f"checked {super().dispatch_request(**kwargs)}"

        async def get(self) -> str:
            return "get"

    view = Checked.as_view("checked")

    assert not is_async(view)
    assert view() == "checked get"
    assert app.carried == ["get to sync"]


async def test_an_overridden_async_dispatch_request_is_awaited(method: Any) -> None:
    class Checked(MethodView):
        async def dispatch_request(self, **kwargs: Any) -> Any:
            return f"checked {await super().dispatch_request(**kwargs)}"

        def get(self) -> str:
            return "get"

    view = Checked.as_view("checked")

    assert is_async(view)
    assert await view() == "checked get"


def test_an_inherited_async_verb_makes_the_view_async() -> None:
    class Base(MethodView):
        async def get(self) -> str:
            return ""

    class Sub(Base):
        def post(self) -> str:
            return ""

    assert is_async(Sub.as_view("sub"))


# -- what tools read of a view function ------------------------------------------------------------


@pytest.mark.parametrize("every", [True, False])
@pytest.mark.parametrize("name", ["View", "MethodView"])
def test_the_closure_has_flasks_names(name: str, every: bool) -> None:
    """Flask-Injector reads ``class_kwargs`` there."""
    closures = []
    for module in (oracle, facade, own):
        base: Any = getattr(module, name)
        body = {"init_every_request": every, "__init__": lambda self, *args, **kwargs: None}
        view: Any = type("Page", (base,), {**body, "get": lambda self: ""}).as_view("page", 1, a=2)
        cells = [cell.cell_contents for cell in view.__closure__]
        found = dict(zip(view.__code__.co_freevars, cells, strict=True))
        closures.append((set(found), found.get("class_args"), found.get("class_kwargs")))

    assert closures == [closures[0]] * 3


def test_the_closure_of_an_async_view_has_them_too() -> None:
    class Page(MethodView):
        async def get(self) -> str:
            return ""

    view: Any = Page.as_view("page", mark="!")

    assert set(view.__code__.co_freevars) == {"class_args", "class_kwargs", "view"}


def test_the_facades_views_are_def_as_flasks() -> None:
    class Page(facade.MethodView):
        async def get(self) -> str:
            return ""

    assert not is_async(Page.as_view("page"))
    assert issubclass(facade.MethodView, facade.View)
