"""Sessions, flashed messages and cookies."""

from datetime import UTC, datetime, timedelta

from quart import (
    Quart,
    flash,
    get_flashed_messages,
    make_response,
    redirect,
    render_template_string,
    request,
    session,
    url_for,
)

from .recorded import body, shown


def create_app():
    app = Quart(__name__)
    app.secret_key = "only for this test"
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    _add_sessions(app)
    _add_cookies(app)
    return app


def _add_sessions(app):
    @app.post("/login")
    async def login():
        session["user"] = (await request.form)["user"]
        await flash("Welcome.", "success")
        await flash("Read the news.")
        return redirect(url_for("page"))

    @app.get("/page")
    async def page():
        return await render_template_string(
            "{{ session.user }}:"
            "{% for category, text in get_flashed_messages(with_categories=true) %}"
            " {{ category }} {{ text }}{% endfor %}"
        )

    @app.get("/only")
    async def only():
        await flash("a", "one")
        await flash("b", "two")
        return {"two": get_flashed_messages(category_filter=["two"])}

    @app.post("/logout")
    async def logout():
        session.clear()
        return "bye"

    @app.get("/state")
    async def state():
        return {"new": session.new, "modified": session.modified, "keys": sorted(session)}

    @app.get("/nested")
    async def nested():
        session.setdefault("cart", []).append(len(session.get("cart", [])))
        session.modified = True
        return {"cart": session["cart"]}

    @app.get("/types")
    async def types():
        session["when"] = datetime(2026, 3, 1, tzinfo=UTC)
        session["pair"] = (1, 2)
        session["raw"] = b"\x00"
        return "stored"

    @app.get("/types/back")
    async def types_back():
        return repr([session["when"].isoformat(), session["pair"], session["raw"]])


def _add_cookies(app):
    @app.get("/cookie")
    async def cookie():
        response = await make_response("set")
        response.set_cookie("theme", "dark", max_age=60, path="/", httponly=True, samesite="Strict")
        response.set_cookie("place", "a b", max_age=timedelta(hours=1), secure=True)
        return response

    @app.get("/cookies")
    async def cookies():
        return dict(request.cookies)

    @app.get("/forget")
    async def forget():
        response = await make_response("forgotten")
        response.delete_cookie("theme")
        return response


async def answers(app):
    client = app.test_client()
    yield "login", await body(await client.post("/login", form={"user": "ada"}))
    yield "page", await body(await client.get("/page"))
    yield "page again", await body(await client.get("/page"))
    yield "state", await body(await client.get("/state"))
    response = await client.post("/logout")
    yield "logout", [response.headers["Set-Cookie"], await body(response)]
    yield "after logout", await body(await client.get("/page"))
    yield "only", await body(await client.get("/only"))
    yield "nested", [await body(await client.get("/nested")) for _ in range(3)]
    yield (
        "types",
        [await body(await client.get("/types")), await body(await client.get("/types/back"))],
    )
    async with client.session_transaction() as store:
        store["user"] = "bob"
        store["count"] = 1
    yield "transaction", await body(await client.get("/page"))
    async with client.session_transaction() as store:
        yield "read back", [store["user"], store["count"]]
    yield "vary", [(await client.get("/page")).headers.get("Vary")]
    fresh = app.test_client()
    yield "nobody", await shown(await fresh.get("/page"))
    headers = (await fresh.get("/cookie")).headers
    kept = ("max-age", "httponly", "samesite", "secure", "path", "theme", "place")
    yield (
        "cookie",
        [
            sorted(
                part.strip() for part in line.split(";") if part.strip().lower().startswith(kept)
            )
            for line in headers.getlist("Set-Cookie")
        ],
    )
    yield "cookies", await body(await fresh.get("/cookies"))
    yield (
        "forget",
        [await body(await fresh.get("/forget")), await body(await fresh.get("/cookies"))],
    )
    other = app.test_client()
    other.set_cookie("localhost", "one", "1")
    other.set_cookie("localhost", "two", "2")
    other.delete_cookie("localhost", "one")
    yield "set by the client", await body(await other.get("/cookies"))
    yield "sent in a header", await body(await other.get("/cookies", headers={"X-None": "1"}))
    yield "the jar", sorted([cookie.name, cookie.value] for cookie in other.cookie_jar)
    without = app.test_client(use_cookies=False)
    await without.get("/cookie")
    yield "without cookies", await body(await without.get("/cookies"))
