"""The test client's arguments, what a view sees of a request, and push promises."""

from quart import Quart, make_push_promise, request, url_for
from werkzeug.datastructures import Authorization, Headers

from .recorded import body, error_of, shown


def create_app():
    app = Quart(__name__)
    _add_requests(app)

    @app.get("/push")
    async def push():
        await make_push_promise("/static/style.css")
        await make_push_promise(url_for("static", filename="app.js"))
        return "pushed"

    @app.get("/redirects/<int:n>")
    async def redirects(n):
        location = f"/redirects/{n - 1}" if n else "/end"
        return "", 302, {"Location": location}

    @app.route("/end", methods=["GET", "POST"])
    async def end():
        return request.method

    @app.post("/see-other")
    async def see_other():
        return "", 303, {"Location": "/end"}

    @app.post("/temporary")
    async def temporary():
        return "", 307, {"Location": "/end"}

    return app


def _add_requests(app):
    @app.route("/request", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def show():
        return {
            "method": request.method,
            "path": request.path,
            "full_path": request.full_path,
            "url": request.url,
            "base_url": request.base_url,
            "root_url": request.root_url,
            "root_path": request.root_path,
            "host": request.host,
            "scheme": request.scheme,
            "secure": request.is_secure,
            "http_version": request.http_version,
            "query": request.query_string.decode(),
            "args": request.args.to_dict(flat=False),
            "endpoint": request.endpoint,
            "view_args": request.view_args,
            "access_route": list(request.access_route),
            "data": (await request.get_data()).decode(),
        }

    @app.get("/headers")
    async def headers():
        return {
            "x": request.headers.getlist("X-Here"),
            "accept": request.accept_mimetypes.best,
            "languages": [language for language, _ in request.accept_languages],
            "agent": request.headers.get("User-Agent", "").startswith("tea"),
            "range": str(request.range),
            "if_none_match": request.if_none_match.to_header(),
            "cookies": request.cookies.to_dict(),
            "authorization": [
                request.authorization.type,
                request.authorization.username,
                request.authorization.password,
            ]
            if request.authorization
            else None,
        }


async def answers(app):
    client = app.test_client()
    calls = {
        "plain": {},
        "query": {"query_string": {"a": "b c", "n": 1}},
        "https": {"scheme": "https"},
        "root path": {"root_path": "/shop"},
        "http 2": {"http_version": "2"},
        "host": {"headers": {"host": "shop.example:8000"}},
        "post": {"method": "POST", "data": "raw"},
        "bytes": {"method": "PUT", "data": b"raw"},
        "forwarded": {"headers": {"X-Forwarded-For": "10.0.0.1, 10.0.0.2"}},
    }
    for name, arguments in calls.items():
        path = "/shop/request" if name == "root path" else "/request"
        yield name, await body(await client.open(path, **arguments))
    yield "in the path", await body(await client.get("/request?a=1&a=2&b="))
    headers = Headers([("X-Here", "1"), ("X-Here", "2"), ("Accept", "text/html;q=0.5, text/plain")])
    yield "headers", await body(await client.get("/headers", headers=headers))
    sent = {
        *(("Accept-Language", "de, en;q=0.5"), ("User-Agent", "tea/1"), ("Range", "bytes=0-3")),
        *(("If-None-Match", '"a", W/"b"'), ("Cookie", "a=1; b=2")),
    }
    yield "more headers", await body(await client.get("/headers", headers=dict(sent)))
    yield "auth", await body(await client.get("/headers", auth=("ada", "secret")))
    auth = Authorization("basic", {"username": "bob", "password": "p"})
    yield "authorization", await body(await client.get("/headers", auth=auth))
    yield "push", await shown(await client.get("/push"))
    pushed = [[path, sorted(headers.items())] for path, headers in client.push_promises]
    yield "promises", sorted(path for path, _ in pushed)
    for path in ("/redirects/2", "/end"):
        yield f"followed {path}", await body(await client.get(path, follow_redirects=True))
    for path in ("/see-other", "/temporary"):
        yield f"followed {path}", await body(await client.post(path, follow_redirects=True))
    yield "not followed", await shown(await client.get("/redirects/2"))
    for method in ("delete", "patch", "put", "head", "options", "trace"):
        response = await getattr(client, method)("/request")
        yield method, response.status_code
    yield "data and form", await error_of(client.post("/request", data="a", form={"b": "c"}))
    async with client.request("/request", method="POST", query_string={"q": "1"}) as connection:
        await connection.send(b"piece ")
        await connection.send(b"by piece")
        await connection.send_complete()
    response = await connection.as_response()
    yield "request()", await body(response)
    yield "status", [connection.status_code, connection.headers["content-type"]]
