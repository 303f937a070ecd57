"""Promises of ``asyncflask.wrappers.http_connection``."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from werkzeug.exceptions import NotFound, SecurityError
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request as WSGIRequest

from asyncflask.wrappers.http_connection import HTTPConnection, path_below_root
from asyncflask.wrappers.request.headers import index_headers


@pytest.fixture
def connection_of(context_of):
    return lambda headers=(), **options: HTTPConnection(context_of(headers=headers, **options))


def hosted(connection_of, host, **options):
    return connection_of([("Host", host)], **options)


# -- the scope -------------------------------------------------------------------------------------


def test_making_one_computes_nothing(connection_of):
    assert list(vars(connection_of())) == ["_ctx"]


def test_the_same_request_reads_as_werkzeugs(connection_of):
    builder = EnvironBuilder(
        "/a b/ü",
        "http://example.com:8080/app",
        query_string="q=1&q=2&z=%C3%BC",
        method="PUT",
        headers={"Accept": "text/html;q=0.5, */*", "Cookie": "a=1; b=2", "X-Foo": "bar"},
        environ_base={"REMOTE_ADDR": "192.0.2.7"},
    )
    theirs = WSGIRequest(builder.get_environ())
    ours = connection_of(
        [*theirs.headers.items()],
        method="put",
        path="/app/a b/ü",
        root_path="/app",
        query_string=theirs.query_string,
    )

    names = [
        "method",
        "scheme",
        "path",
        "root_path",
        "script_root",
        "query_string",
        "args",
        "full_path",
        "url",
        "base_url",
        "root_url",
        "url_root",
        "host",
        "host_url",
        "remote_addr",
        "access_route",
        "is_secure",
        "cookies",
        "headers",
        "accept_mimetypes",
        "user_agent",
        "content_length",
        "mimetype",
        "authorization",
    ]
    assert {n: str(getattr(ours, n)) for n in names} == {n: str(getattr(theirs, n)) for n in names}


def test_a_value_is_computed_once_and_may_be_replaced(connection_of):
    connection = connection_of(path="/here")

    assert connection.headers is connection.headers
    connection.path = "/there"
    assert connection.path == "/there"


def test_a_bare_scope_is_enough(connection_of):
    """A unix socket has neither peer nor port; optional keys may be missing."""
    connection = connection_of(server=("/run/app.sock", None), client=None)
    for key in ("scheme", "root_path", "http_version", "method"):
        del connection.scope[key]

    assert connection.remote_addr is None
    assert connection.host == ""
    assert connection.url == "http:///"
    assert (connection.method, connection.scheme, connection.http_version) == ("GET", "http", "1.1")
    assert connection.access_route == []


def test_a_websocket_without_a_scheme_is_ws(connection_of):
    connection = connection_of(type="websocket", scheme=None)

    assert connection.scheme == "ws"
    assert not connection.is_secure


def test_an_empty_peer_name_is_no_address(connection_of):
    assert connection_of(client=("", 0)).remote_addr is None


PATHS = [
    ("/x", "", "/x"),
    ("/app/x", "/app", "/x"),
    ("/app", "/app", ""),
    ("/app/x", "/app/", "/x"),
    ("/x", "/app", "/x"),
    ("/application", "/app", "/application"),
    ("/app/app/x", "/app", "/app/x"),
]


@pytest.mark.parametrize(("path", "root", "expected"), PATHS)
def test_the_root_path_is_removed_from_the_path(path, root, expected):
    assert path_below_root({"path": path, "root_path": root}) == expected


@pytest.mark.parametrize("path", ["//evil.test", "", "@evil.test"])
def test_no_path_reaches_the_urls_authority(connection_of, path):
    """CVE-2020-28724, CVE-2026-54282: `//evil.test` and `@evil.test` stay paths."""
    connection = hosted(connection_of, "example.com", path=path)

    assert connection.path == "/" + path.lstrip("/")
    assert connection.url.startswith("http://example.com/")


def test_a_query_that_is_not_utf8_is_no_crash(connection_of):
    connection = connection_of(query_string=b"a=\xff&b=%FF")

    assert connection.args["a"] == "�"
    assert connection.full_path == "/?a=�&b=%FF"


# -- headers ---------------------------------------------------------------------------------------


def test_header_names_are_shown_in_title_case_and_found_in_any(connection_of):
    headers = connection_of([("content-type", "a/b"), ("x-forwarded-for", "1")]).headers

    assert list(headers) == [("Content-Type", "a/b"), ("X-Forwarded-For", "1")]
    assert headers["CONTENT-TYPE"] == headers["content-type"] == "a/b"


def test_a_nameless_cookie_is_ignored(connection_of):
    """CVE-2023-23934."""
    cookies = connection_of([("Cookie", "=__Host-x=bad; =a; good=1")]).cookies

    assert "__Host-x" not in cookies
    assert cookies.to_dict() == {"good": "1"}


def test_one_cookie_is_found_as_all_are(connection_of):
    connection = connection_of([("Cookie", "a=1"), ("Cookie", "b=2; a=3")])

    assert [connection.find_cookie(name) for name in "ab"] == ["1", "2"]
    assert "cookies" not in connection.__dict__
    assert connection.find_cookie("c") is None
    connection.cookies = {"a": "mine"}
    assert connection.find_cookie("a") == "mine"


@pytest.mark.parametrize("others", [[], [("X-A", "1")]])
def test_several_cookie_headers_are_one_also_where_a_request_is_served(context_of, others):
    """:rfc:`9113` §8.2.3: HTTP/2 may send each cookie in a header of its own."""
    context = context_of(headers=[*others, ("Cookie", "a=1"), ("Cookie", "b=2; a=3")])
    context.header_names = index_headers(context.scope["headers"])
    connection = HTTPConnection(context)

    assert [connection.find_cookie(name) for name in "ab"] == ["1", "2"]
    assert connection.cookies.to_dict(flat=False) == {"a": ["1", "3"], "b": ["2"]}


def test_the_only_cookie_header_is_found_where_a_request_is_served(context_of):
    for headers, found in (([], None), ([("Cookie", "a=1")], "1")):
        context = context_of(headers=headers)
        context.header_names = dict(context.scope["headers"])

        assert HTTPConnection(context).find_cookie("a") == found


def test_thousands_of_bad_cookies_log_nothing(connection_of, caplog):
    """CVE-2025-69230."""
    connection = connection_of([("Cookie", ';="' * 5000)])

    assert not connection.cookies.get("x")
    assert not caplog.records


# -- Host ------------------------------------------------------------------------------------------

GOOD_HOSTS = ["example.com", "EXAMPLE.com:8080", "127.0.0.1:5000", "[::1]:5000", "[::1]", "my_app"]
BAD_HOSTS = [
    "a/?x",
    "a?x",
    "a#x",
    "a@evil.test",
    "a b",
    "a:b",
    "a:",
    "a:80:80",
    "a:99999",
    "a:-1",
    "a\\b",
    "[::1",
    "a,b",
    "é",
    "a%2fb",
    "<x>",
    "a:٥",
]


@pytest.mark.parametrize("host", GOOD_HOSTS)
def test_a_well_formed_host_is_kept(connection_of, host):
    assert hosted(connection_of, host).host == host


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_a_malformed_host_is_refused(connection_of, host):
    """CVE-2026-48710 (GHSA-86qp-5c8j-p5mr): `Host: a/?x` would change the path of ``url``."""
    connection = connection_of()
    connection.scope["headers"].append((b"host", host.encode()))

    with pytest.raises(SecurityError, match="is not `name` or `name:port`") as raised:
        connection.check_host()
    assert raised.value.code == 400


def test_two_hosts_are_refused(connection_of):
    """CVE-2026-34525."""
    connection = connection_of([("Host", "a"), ("Host", "b")])

    with pytest.raises(SecurityError, match="2 Host headers"):
        connection.check_host()


@pytest.mark.parametrize(
    ("scheme", "host", "expected"),
    [
        ("http", "a:80", "a"),
        ("https", "a:443", "a"),
        ("wss", "a:443", "a"),
        ("https", "a:80", "a:80"),
        ("ws", "a:81", "a:81"),
    ],
)
def test_the_schemes_own_port_is_left_out(connection_of, scheme, host, expected):
    assert hosted(connection_of, host, scheme=scheme).host == expected


@pytest.mark.parametrize(
    ("server", "expected"),
    [(("10.0.0.1", 5000), "10.0.0.1:5000"), (("::1", 80), "[::1]"), (None, ""), (("/s", None), "")],
)
def test_without_a_host_header_the_servers_address_is_used(connection_of, server, expected):
    assert connection_of(server=server).host == expected


def test_an_empty_host_header_is_refused(connection_of):
    """No URL has an empty host (RFC 9110 §4.2.1), and none is made with the server's address."""
    with pytest.raises(SecurityError, match="The Host header '' is not `name`"):
        hosted(connection_of, "").check_host()


TRUSTED = {"TRUSTED_HOSTS": ["example.com", ".internal"]}


@pytest.mark.parametrize("host", ["example.com", "example.com:8000", "a.internal", "internal"])
def test_trusted_hosts_are_accepted(connection_of, host):
    hosted(connection_of, host, config=TRUSTED).check_host()


@pytest.mark.parametrize("host", ["evil.test", "example.com.evil.test", "notinternal", ""])
def test_other_hosts_are_refused(connection_of, host):
    """GHSA-2g68-c3qc-8985 and TRUSTED_HOSTS: 400."""
    with pytest.raises(SecurityError, match=r"TRUSTED_HOSTS|is not `name`"):
        hosted(connection_of, host, config=TRUSTED).check_host()


def test_trusted_hosts_may_be_set_on_the_request(connection_of):
    connection = hosted(connection_of, "evil.test")
    connection.trusted_hosts = ["example.com"]

    with pytest.raises(SecurityError, match=r"'evil\.test' is not among"):
        connection.check_host()


def test_forwarded_headers_are_not_trusted(connection_of):
    """Without an id: X-Forwarded-* trusted by default."""
    connection = connection_of(
        [("Host", "a"), ("X-Forwarded-Host", "evil.test"), ("X-Forwarded-Proto", "https")]
    )

    assert connection.url == "http://a/"
    assert connection.remote_addr == "192.0.2.7"


def test_a_bad_host_does_not_break_repr(connection_of):
    assert "invalid URL" in repr(hosted(connection_of, "a/?x"))


# -- routing ---------------------------------------------------------------------------------------


def test_before_matching_there_is_no_rule(connection_of):
    connection = connection_of()

    assert connection.url_rule is connection.view_args is connection.routing_exception is None
    assert connection.endpoint is connection.blueprint is None
    assert connection.blueprints == []


def test_routing_is_read_from_the_context_and_written_to_it(connection_of):
    connection = connection_of()
    connection.url_rule = SimpleNamespace(endpoint="shop.admin.index")
    connection.view_args = {"id": 1}
    connection.routing_exception = error = NotFound()

    assert connection._ctx.view_args == connection.view_args == {"id": 1}
    assert connection._ctx.routing_exception is connection.routing_exception is error
    assert connection.endpoint == "shop.admin.index"
    assert connection.blueprint == "shop.admin"
    assert connection.blueprints == ["shop.admin", "shop"]


def test_an_endpoint_of_the_app_has_no_blueprint(connection_of):
    connection = connection_of()
    connection.url_rule = SimpleNamespace(endpoint="index")

    assert connection.blueprint is None
    assert connection.blueprints == []


@pytest.mark.parametrize(
    ("trusted", "good", "bad"),
    [
        ("my_app", ["my_app", "my_app:80", "MY_APP:8080"], ["a.my_app", "xmy_app", "my-app"]),
        (".my_app", ["my_app", "a.my_app:99"], ["xmy_app", "my_app.evil.test"]),
        ("[::1]", ["[::1]", "[::1]:5000"], ["[::2]", "localhost"]),
        ("[::1]:5000", ["[::1]", "[::1]:80"], ["[::2]"]),
        ("Example.test:5000", ["example.test", "EXAMPLE.test:80"], ["a.example.test"]),
        ("b\xfccher.test", ["xn--bcher-kva.test"], ["bucher.test"]),
        ("a" * 64 + "\xfc", [], ["a", "[::1]"]),
    ],
)
def test_trusted_hosts_are_compared_by_their_names(connection_of, trusted, good, bad):
    for host in good:
        assert connection_of([("Host", host)], config={"TRUSTED_HOSTS": [trusted]}).host
    for host in bad:
        with pytest.raises(SecurityError, match="not among the TRUSTED_HOSTS"):
            _ = connection_of([("Host", host)], config={"TRUSTED_HOSTS": [trusted]}).host
