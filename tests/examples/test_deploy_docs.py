"""``docs/how-to/deploy.md`` and the files of ``asyncflask new``: each block does what it says.

There is no Docker here: the server is started with the command and the environment that Dockerfile
and compose file have, behind the real nginx, beside the real Redis.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
import yaml
from websockets.sync.client import connect

from tests.conftest import PROJECT, Program
from tests.debug import browser
from tests.services import Server, caddy, find, free_port, nginx, redis

from .documents import blocks

PAGE = "docs/how-to/deploy.md"
NAMED = re.compile(r"^`([\w/.-]+)`(?:[^\n]*):\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    """Return the text of a section of the page."""
    return (PROJECT / PAGE).read_text().split(f"\n## {title}\n")[1].partition("\n## ")[0]


def named(title: str) -> dict[str, str]:
    """Return the blocks of a section that have a file's name."""
    return {Path(name).name: text for name, text in NAMED.findall(section(title))}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a new app."""
    folder = tmp_path_factory.mktemp("new")
    subprocess.run(
        [sys.executable, "-m", "asyncflask", "new", "shop"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        check=True,
        capture_output=True,
    )
    return folder / "shop"


# -- the page and the files ------------------------------------------------------------------------


def test_the_page_shows_the_files_of_a_new_app(shop: Path) -> None:
    shown = named("Containers")

    assert set(shown) == {"Dockerfile", "compose.yaml", "nginx.conf", ".dockerignore"}
    assert shown == {name: (shop / name).read_text() for name in shown}


def test_the_page_shows_the_health_routes_of_a_new_app(shop: Path) -> None:
    (code,) = blocks(PAGE)["Health and readiness"]

    for route in ("/health", "/ready"):
        assert f'.get("{route}")' in code
        assert f'.get("{route}")' in (shop / "shop" / "health.py").read_text()


# -- Dockerfile ------------------------------------------------------------------------------------


@dataclass
class Image:
    """The instructions of a Dockerfile's last stage, and those of all stages."""

    every: list[tuple[str, str]]
    last: dict[str, str]

    @classmethod
    def of(cls, file: Path) -> Image:
        lines = file.read_text().replace("\\\n", "").splitlines()
        every = [(line.split()[0], line.partition(" ")[2].strip()) for line in lines if line]
        start = max(number for number, (name, _) in enumerate(every) if name == "FROM")
        return cls(every, dict(every[start:]))

    def command(self) -> list[str]:
        """Return the command, for this environment and a free port."""
        command = ["0" if part == "8000" else part for part in json.loads(self.last["CMD"])]
        assert command[0] == "asyncflask"
        command[command.index("0.0.0.0")] = "127.0.0.1"
        return [sys.executable, "-m", *command]

    def check(self, port: int) -> list[str]:
        """Return the command of the health check."""
        command = json.loads(self.last["HEALTHCHECK"].partition("CMD ")[2])
        assert command[0] == "python"
        return [sys.executable, *(part.replace(":8000/", f":{port}/") for part in command[1:])]

    def environment(self) -> dict[str, str]:
        """Return what the image sets, without the path."""
        pairs = dict(pair.split("=", 1) for pair in shlex.split(self.last["ENV"]))
        assert pairs.pop("PATH") == "/venv/bin:$PATH"
        return pairs


@pytest.fixture(scope="module")
def image(shop: Path) -> Image:
    return Image.of(shop / "Dockerfile")


def test_the_image_has_two_stages_and_the_second_no_tools_of_the_first(image: Image) -> None:
    stages = [value for name, value in image.every if name == "FROM"]

    assert len(stages) == 2
    assert stages[0] == f"{stages[1]} AS build"
    assert image.last["COPY"].startswith("--from=build ")


def test_the_image_does_not_run_as_root(image: Image) -> None:
    """Kubernetes' runAsNonRoot needs the number."""
    assert int(image.last["USER"]) > 0
    assert f"--uid {image.last['USER']} " in image.last["RUN"]


def test_signals_of_docker_reach_the_server(image: Image) -> None:
    """In the shell's form, the shell would get them."""
    assert image.last["STOPSIGNAL"] == "SIGTERM"
    assert "--workers" in json.loads(image.last["CMD"])
    assert image.last["EXPOSE"] in json.loads(image.last["CMD"])


def test_what_is_copied_into_the_image_is_enough_to_install_the_app(
    shop: Path, tmp_path: Path
) -> None:
    ignored, *allowed, caches = (shop / ".dockerignore").read_text().split()
    assert (ignored, allowed, caches) == (
        "*",
        ["!pyproject.toml", "!shop", "!*.whl"],
        "**/__pycache__",
    )
    shutil.copytree(shop / "shop", tmp_path / "src" / "shop")
    shutil.copy(shop / "pyproject.toml", tmp_path / "src")

    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=tmp_path / "src",
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("shop-*.whl")
    listed = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", str(wheel)], capture_output=True, text=True
    )

    assert "shop/__init__.py" in listed.stdout
    assert "shop/templates/index.html" in listed.stdout


# -- compose.yaml ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compose(shop: Path) -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((shop / "compose.yaml").read_text())["services"]
    return services


def test_the_services_wait_for_each_others_health(compose: dict[str, Any], image: Image) -> None:
    checked = {name for name, service in compose.items() if "healthcheck" in service}
    checked |= {"app"} if "HEALTHCHECK" in image.last else set()

    awaited = {
        (name, condition["condition"])
        for service in compose.values()
        for name, condition in service.get("depends_on", {}).items()
    }
    assert awaited == {("app", "service_healthy"), ("redis", "service_healthy")}
    assert {name for name, _ in awaited} <= checked


def test_only_nginx_can_be_reached_from_outside(compose: dict[str, Any]) -> None:
    """The app believes the headers of the proxy."""
    assert [name for name, service in compose.items() if "ports" in service] == ["nginx"]


def test_the_names_in_the_files_are_those_of_the_services(
    compose: dict[str, Any], shop: Path, image: Image
) -> None:
    (mounted,) = compose["nginx"]["volumes"]
    name, place, mode = mounted.split(":")

    assert f"http://app:{image.last['EXPOSE']};" in (shop / name).read_text()
    assert place == "/etc/nginx/conf.d/default.conf"
    assert mode == "ro"
    assert compose["nginx"]["ports"][0].partition(":")[2] == "80"
    assert "listen 80;" in (shop / name).read_text()
    assert urlsplit(compose["app"]["environment"]["FLASK_CHANNELS_URL"]).hostname in compose


def test_a_variable_of_env_is_required(compose: dict[str, Any], shop: Path) -> None:
    key = compose["app"]["environment"]["FLASK_SECRET_KEY"]

    assert key.startswith("${FLASK_SECRET_KEY:?")
    assert (shop / ".env").read_text().startswith("FLASK_SECRET_KEY=")


# -- the parts together ----------------------------------------------------------------------------


@dataclass
class Stack:
    """A running app behind a proxy.

    Attributes:
        process: The app.
        port: Its own port.
        proxy: The proxy's URL.
    """

    process: Program
    port: int
    proxy: str

    @contextmanager
    def get(self, path: str, **headers: str) -> Iterator[HTTPResponse]:
        """Request a page through the proxy."""
        with closing(HTTPConnection(urlsplit(self.proxy).netloc, timeout=10)) as connection:
            connection.request("GET", path, headers=headers)
            yield connection.getresponse()

    def websocket(self, path: str, **options: Any) -> Any:
        """Connect with a websocket through the proxy."""
        return connect(self.proxy.replace("http", "ws", 1) + path, open_timeout=10, **options)


@contextmanager
def served(command: list[str], folder: Path, **variables: str) -> Iterator[tuple[Program, int]]:
    """Start the app; yield it, with its port, when it serves."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1", **variables},
        start_new_session=True,
    )
    program = Program(process)
    try:
        yield program, urlsplit(program.url()).port or 0
    finally:
        program.kill()


@contextmanager
def running(make: Callable[[Path, int, str], Server], text: str) -> Iterator[str]:
    """Start a proxy in a folder of its own; yield its URL."""
    port = free_port()
    text = text.replace("listen 80;", f"listen 127.0.0.1:{port};")
    text = re.sub(r"^(shop\.example|example\.org) {", f"http://127.0.0.1:{port} {{", text)
    with tempfile.TemporaryDirectory(prefix="asyncflask-proxy-") as folder:
        server = make(Path(folder), port, text)
        try:
            server.start()
            yield server.url
        finally:
            server.kill()


@pytest.fixture(scope="module")
def composed(shop: Path, image: Image, compose: dict[str, Any]) -> Iterator[Stack]:
    """The app as compose starts it, with Redis and nginx."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="asyncflask-redis-"))
        engine = redis(Path(folder))
        engine.start()
        stack.callback(engine.kill)
        variables = {**image.environment(), **compose["app"]["environment"]}
        variables |= {"FLASK_CHANNELS_URL": engine.url, "FLASK_SECRET_KEY": "secret"}
        program, port = stack.enter_context(served(image.command(), shop, **variables))
        text = (shop / "nginx.conf").read_text().replace("app:8000", f"127.0.0.1:{port}")
        proxy = stack.enter_context(running(nginx, text)).replace("127.0.0.1", "localhost")
        yield Stack(program, port, proxy)


def test_the_page_is_served(composed: Stack) -> None:
    with composed.get("/") as response:
        assert response.status == 200
        assert "<h1>shop</h1>" in response.read().decode()


def test_the_health_check_of_the_image_succeeds_while_the_app_runs(
    composed: Stack, image: Image
) -> None:
    assert subprocess.run(image.check(composed.port), capture_output=True).returncode == 0
    assert subprocess.run(image.check(free_port()), capture_output=True).returncode != 0


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_the_health_routes_answer(composed: Stack, path: str) -> None:
    with composed.get(path) as response:
        assert response.status == 200


def test_another_host_is_refused(composed: Stack) -> None:
    with composed.get("/", Host="evil.example") as response:
        assert response.status == 400


def test_a_message_reaches_all_clients(composed: Stack) -> None:
    with ExitStack() as stack:
        # The system gives each worker some of them.
        clients = [stack.enter_context(composed.websocket("/chat")) for _ in range(8)]
        events = stack.enter_context(composed.get("/events"))
        assert events.readline() == b": \n"
        clients[0].send("hello")

        assert [client.recv(timeout=10) for client in clients] == ["hello"] * 8
        assert [events.readline() for _ in range(3)][-1] == b"data: hello\n"


# -- proxies ---------------------------------------------------------------------------------------

APP = """
import asyncio
from asyncflask import Flask, redirect, request, url_for, websocket
from asyncflask.middleware.proxy_fix import ProxyFix
from asyncflask.sse import event_stream

app = Flask(__name__)
app.asgi_app = ProxyFix(app.asgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)
go_on = asyncio.Event()


@app.get("/seen/")
async def seen():
    return {
        "client": request.remote_addr,
        "link": url_for("seen"),
        "external": url_for("seen", _external=True),
        "path": request.path,
    }


@app.get("/to-seen")
async def to_seen():
    return redirect(url_for("seen"))


@app.websocket("/echo")
async def echo():
    await websocket.send(websocket.url)
    async for message in websocket:
        await websocket.send(message)


@app.get("/events")
async def events():
    async def two():
        go_on.clear()
        yield "one"
        await go_on.wait()
        yield "two"

    return event_stream(two())


@app.get("/unmarked-events")
async def unmarked_events():
    response = await events()
    del response.headers["X-Accel-Buffering"]
    return response


@app.get("/go-on")
async def let_it_go_on():
    go_on.set()
    return ""
"""
FORGED = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Prefix": "/evil",
}
Kind = Literal["nginx", "nginx below a path", "caddy", "caddy below a path"]
MAKE = {"nginx": nginx, "caddy": caddy}


def configuration(kind: Kind, port: int) -> str:
    """Return the page's configuration of a proxy, with the app's port."""
    name = "nginx.conf" if kind.startswith("nginx") else "Caddyfile"
    top = named("Containers")["nginx.conf"]
    if "below" in kind:
        text = named("Below a path")[name]
        if name == "nginx.conf":
            text = top.partition("server {")[0] + text
    elif name == "nginx.conf":
        # As the section on systemd says.
        text = re.sub(r"^    resolver .*\n", "", top, flags=re.MULTILINE)
        assert "`set $app http://127.0.0.1:8000;`" in section("systemd")
        text = text.replace("set $app http://app:8000;", "set $app http://127.0.0.1:8000;")
    else:
        text = named("systemd")[name]
    assert text.count("127.0.0.1:8000") == 1
    return text.replace("127.0.0.1:8000", f"127.0.0.1:{port}")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, int]]:
    """An app that trusts one proxy, and its port."""
    folder = tmp_path_factory.mktemp("proxied")
    (folder / "app.py").write_text(APP)
    with served([sys.executable, "-m", "asyncflask", "run", "--port", "0"], folder) as found:
        yield found


@pytest.fixture(scope="module", params=Kind.__args__)  # type: ignore[attr-defined]
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each proxy in turn."""
    chosen: Kind = request.param
    return chosen


@pytest.fixture(scope="module")
def proxied(kind: Kind, app: tuple[Program, int]) -> Iterator[Stack]:
    """The app behind each proxy in turn."""
    program, port = app
    make = MAKE[kind.partition(" ")[0]]
    with running(make, configuration(kind, port)) as url:
        yield Stack(program, port, url)


@pytest.fixture
def prefix(kind: Kind) -> str:
    return "/shop" if "below" in kind else ""


def test_a_view_sees_what_the_client_has_requested(proxied: Stack, prefix: str) -> None:
    with proxied.get(f"{prefix}/seen/") as response:
        assert json.loads(response.read()) == {
            "client": "127.0.0.1",
            "link": f"{prefix}/seen/",
            "external": f"{proxied.proxy}{prefix}/seen/",
            "path": "/seen/",
        }


def test_headers_that_a_client_has_forged_have_no_effect(proxied: Stack, prefix: str) -> None:
    with proxied.get(f"{prefix}/seen/", **FORGED) as response:
        seen = json.loads(response.read())

    assert seen["client"] == "127.0.0.1"
    assert seen["external"] == f"{proxied.proxy}{prefix}/seen/"


@pytest.mark.parametrize("path", ["/seen", "/to-seen"])
def test_a_redirect_leads_below_the_path(proxied: Stack, prefix: str, path: str) -> None:
    with proxied.get(f"{prefix}{path}") as response:
        location = response.headers["Location"]

    assert location.removeprefix(proxied.proxy) == f"{prefix}/seen/"


def test_the_path_alone_gets_its_slash(proxied: Stack, prefix: str) -> None:
    if not prefix:
        pytest.skip("the app is at the root")
    with proxied.get(prefix) as response:
        assert 300 < response.status < 400
        assert response.headers["Location"].removeprefix(proxied.proxy) == f"{prefix}/"


def test_a_websocket_goes_through(proxied: Stack, prefix: str) -> None:
    with proxied.websocket(f"{prefix}/echo", additional_headers=FORGED) as connection:
        url = proxied.proxy.replace("http", "ws", 1)
        assert connection.recv(timeout=10) == f"{url}{prefix}/echo"
        connection.send("hello")
        assert connection.recv(timeout=10) == "hello"


def test_an_event_arrives_before_the_next_one_is_made(proxied: Stack, prefix: str) -> None:
    with proxied.get(f"{prefix}/events") as response:
        assert response.readline() == b"data: one\n"
        with proxied.get(f"{prefix}/go-on"):
            pass
        assert [response.readline() for _ in range(2)] == [b"\n", b"data: two\n"]


@pytest.fixture
def buffering(app: tuple[Program, int]) -> Iterator[Stack]:
    """The app behind an nginx that asks by HTTP/1.0, its default: without chunks, it buffers."""
    text = configuration("nginx", app[1])
    assert "proxy_http_version 1.1;" in text
    with running(nginx, text.replace("proxy_http_version 1.1;", "")) as url:
        yield Stack(*app, url)


def test_the_header_of_an_event_stream_switches_the_buffer_of_nginx_off(buffering: Stack) -> None:
    with buffering.get("/events") as response:
        assert response.readline() == b"data: one\n"
        with buffering.get("/go-on"):
            pass
        assert [response.readline() for _ in range(2)] == [b"\n", b"data: two\n"]


def test_nginx_keeps_an_event_back_without_the_header(buffering: Stack) -> None:
    """Else the test before would show nothing."""
    address = urlsplit(buffering.proxy).netloc
    with closing(HTTPConnection(address, timeout=1)) as connection:
        connection.request("GET", "/unmarked-events")
        with pytest.raises(TimeoutError):
            connection.getresponse().readline()
        with buffering.get("/go-on"):
            pass


@pytest.mark.skipif(not browser.find() and not os.environ.get("ASYNCFLASK_CI"), reason="no browser")
async def test_a_browser_chats_below_a_path(composed: Stack, tmp_path: Path) -> None:
    text = configuration("nginx below a path", composed.port)
    with running(nginx, text) as url, composed.websocket("/chat") as other:
        async with browser.Browser(tmp_path) as page:
            await page.open(f"{url.replace('127.0.0.1', 'localhost')}/shop/")
            await page.until("socket.readyState === WebSocket.OPEN")
            await page.type("<b>tea</b>")
            await page.until("document.querySelector('li')?.textContent === '<b>tea</b>'")

            assert await asyncio.to_thread(other.recv, 10) == "<b>tea</b>"


# -- systemd ---------------------------------------------------------------------------------------


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    unit = named("systemd")["shop.service"]
    command = tmp_path / ".venv" / "bin" / "asyncflask"
    command.parent.mkdir(parents=True)
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    file = tmp_path / "shop.service"
    file.write_text(unit.replace("/srv/shop", str(tmp_path)))

    done = subprocess.run(
        [find("systemd-analyze"), "verify", str(file)], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert "shop.service" not in done.stderr


def test_the_command_of_the_unit_has_options_that_exist() -> None:
    (command,) = re.findall(r"^ExecStart=\S+/asyncflask (.*)$", section("systemd"), re.MULTILINE)

    done = subprocess.run(
        [sys.executable, "-m", "asyncflask", *shlex.split(command), "--help"],
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr


# -- Kubernetes ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pod() -> dict[str, Any]:
    (block,) = re.findall(
        r"^```yaml\n(.*?)^```$", section("Health and readiness"), re.MULTILINE | re.DOTALL
    )
    spec: dict[str, Any] = yaml.safe_load(block)["spec"]["template"]["spec"]
    return spec


@pytest.mark.parametrize("probe", ["readinessProbe", "livenessProbe"])
def test_a_probe_succeeds_though_other_hosts_are_refused(
    pod: dict[str, Any], composed: Stack, probe: str
) -> None:
    get = pod["containers"][0][probe]["httpGet"]
    headers = {header["name"]: header["value"] for header in get["httpHeaders"]}
    with closing(HTTPConnection("127.0.0.1", composed.port, timeout=10)) as connection:
        for sent, status in ((headers, 200), ({"Host": "10.0.0.7:8000"}, 400)):
            connection.request("GET", get["path"], headers=sent)
            response = connection.getresponse()
            response.read()
            assert response.status == status


def test_the_times_to_stop_cover_what_the_server_takes(
    pod: dict[str, Any], compose: dict[str, Any]
) -> None:
    most = 10 * 1.2 + 60  # the grace with its random part, and what follows (cli.md, "Workers")
    (unit,) = re.findall(r"^TimeoutStopSec=(\d+)$", section("systemd"), re.MULTILINE)
    container = pod["containers"][0]
    _, pause = container["lifecycle"]["preStop"]["exec"]["command"]

    assert int(unit) >= most
    assert int(compose["app"]["stop_grace_period"].removesuffix("s")) >= most
    assert pod["terminationGracePeriodSeconds"] - int(pause) >= most


def test_the_pod_serves_the_port_of_the_image(pod: dict[str, Any], image: Image) -> None:
    (port,) = pod["containers"][0]["ports"]

    assert str(port["containerPort"]) == image.last["EXPOSE"]
    assert pod["securityContext"] == {"runAsNonRoot": True}


# -- restart and end -------------------------------------------------------------------------------


def children(pid: int) -> set[str]:
    """Return the processes that a process has started."""
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def test_no_request_fails_while_the_workers_are_replaced(composed: Stack) -> None:
    pid = composed.process.process.pid
    before = children(pid)
    assert len(before) == 2

    composed.process.send_signal(signal.SIGHUP)  # the unit's ExecReload
    statuses = set()
    until = time.monotonic() + 20
    while before & children(pid) and time.monotonic() < until:
        with composed.get("/") as response:
            statuses.add(response.status)

    assert statuses == {200}
    assert not before & children(pid)


def test_the_app_ends_in_order_when_docker_stops_it(composed: Stack) -> None:
    """Last, because it stops the app."""
    composed.process.send_signal(signal.SIGTERM)
    composed.process.wait()

    assert composed.process.returncode == 0
