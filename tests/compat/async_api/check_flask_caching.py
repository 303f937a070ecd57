"""Flask-Caching on the async API, with ``async def`` views.

``cache.get()``, ``cache.set()`` and memoized functions are ``def`` and call the backend in place. With a backend that
waits (Redis, files), write ``await run_sync(function)(...)`` in an ``async def`` view.
"""

import pytest
from flask_caching import Cache

from asyncflask import Flask, render_template_string, request, run_sync


@pytest.fixture
def app():
    app = Flask(__name__)
    app.config["CACHE_TYPE"] = "SimpleCache"
    app.calls = 0
    return app


@pytest.fixture
def cache(app):
    return Cache(app)


async def texts(app, *paths):
    client = app.test_client()
    return [(await client.get(path)).text for path in paths]


async def test_a_view_is_cached(app, cache):
    @app.get("/")
    @cache.cached(timeout=60)
    async def view():
        app.calls += 1
        return str(app.calls)

    assert await texts(app, "/", "/", "/") == ["1", "1", "1"]


async def test_by_the_query(app, cache):
    @app.get("/")
    @cache.cached(query_string=True)
    async def view():
        app.calls += 1
        return f"{request.args.get('q')} {app.calls}"

    assert await texts(app, "/?q=a", "/?q=b", "/?q=a") == ["a 1", "b 2", "a 1"]


async def test_a_cached_view_is_forgotten(app, cache):
    @app.get("/")
    @cache.cached(key_prefix="front")
    async def view():
        app.calls += 1
        return str(app.calls)

    first = await texts(app, "/")
    cache.delete("front")

    assert first + await texts(app, "/") == ["1", "2"]


async def test_unless(app, cache):
    @app.get("/")
    @cache.cached(unless=lambda: True)
    async def view():
        app.calls += 1
        return str(app.calls)

    assert await texts(app, "/", "/") == ["1", "2"]


async def test_a_def_function_is_memoized_for_an_async_view(app, cache):
    @cache.memoize(60)
    def double(n):
        app.calls += 1
        return n * 2

    @app.get("/<int:n>")
    async def view(n):
        return f"{await run_sync(double)(n)} {app.calls}"

    assert await texts(app, "/2", "/3", "/2") == ["4 1", "6 2", "4 2"]


async def test_the_cache_is_used_by_hand(app, cache):
    @app.get("/")
    async def view():
        if cache.get("n") is None:
            cache.set("n", 1)
        return str(cache.get("n"))

    assert await texts(app, "/", "/") == ["1", "1"]


async def test_a_part_of_a_template(app, cache):
    @app.get("/")
    async def view():
        app.calls += 1
        return render_template_string("{% cache 60, 'part' %}{{ n }}{% endcache %}", n=app.calls)

    assert await texts(app, "/", "/") == ["1", "1"]


async def test_a_response_with_a_status_is_cached_whole(app, cache):
    @app.get("/")
    @cache.cached()
    async def view():
        app.calls += 1
        return {"n": app.calls}, 202

    client = app.test_client()
    first, second = await client.get("/"), await client.get("/")

    assert (first.json, second.json, second.status_code) == ({"n": 1}, {"n": 1}, 202)
