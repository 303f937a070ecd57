"""``app.run()`` and ``app.run_task()``."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import httpx
import pytest

from asyncflask import Flask, request
from tests.services import free_port

PEM = str(Path(__file__).parent.with_name("cli") / "localhost.pem")  # for these tests only
PATIENCE = 10  # seconds, for every wait


@pytest.fixture
def app():
    app = Flask("shop")
    app.secret_key = "secret"
    return app


@pytest.mark.parametrize(
    ("server_name", "given", "address"),
    [
        (None, (None, None), ("127.0.0.1", 5000)),
        ("shop.test", (None, None), ("shop.test", 5000)),
        ("shop.test:8080", (None, None), ("shop.test", 8080)),
        ("shop.test:8080", ("0.0.0.0", 80), ("0.0.0.0", 80)),
        ("shop.test:8080", ("0.0.0.0", 0), ("0.0.0.0", 0)),
        ("shop.test:8080", ("", None), ("shop.test", 8080)),
    ],
)
def test_run_listens_where_server_name_says_unless_told_otherwise(app, server_name, given, address):
    app.config["SERVER_NAME"] = server_name

    assert app._address(*given) == address


@pytest.mark.parametrize("port", ["tea", "80tea", 1.5, True, 70000, b"80"])
def test_run_names_a_port_that_is_none(app, port):
    with pytest.raises(ValueError, match=rf"{port!r}\): no such port\. Write a number from 0 to"):
        app.run(port=port)


def test_run_names_the_port_of_a_wrong_server_name(app):
    app.config["SERVER_NAME"] = "shop.test:tea"
    with pytest.raises(ValueError, match=r"port='tea'\): no such port\. Write a number"):
        app.run()


def test_run_does_nothing_while_the_command_imports_the_module(app, monkeypatch, capsys):
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")
    app.run(port=1)

    assert capsys.readouterr().err == ""


async def serving(app, work, **options):
    """Do ``work(client, url)`` while ``app.run_task()`` serves; return what ``work`` returns."""
    stop, port = asyncio.Event(), free_port()
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        group.create_task(app.run_task(port=port, shutdown_trigger=stop.wait, **options))
        try:
            await listening(port)
            scheme = "https" if "certfile" in options else "http"
            return await work(f"{scheme}://127.0.0.1:{port}")
        finally:
            stop.set()


async def listening(port):
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            await writer.wait_closed()
            return


async def test_run_task_serves_in_a_loop_that_runs_already(app):
    ran = []
    app.before_serving(lambda: ran.append("before"))
    app.after_serving(lambda: ran.append("after"))
    app.get("/")(lambda: f"debug {app.debug}")

    async def work(url):
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(url)).text

    assert await serving(app, work, debug=True) == "debug True"
    assert ran == ["before", "after"]


async def test_run_task_serves_a_unix_socket(app, tmp_path):
    app.get("/")(lambda: "hello")
    stop, path = asyncio.Event(), tmp_path / "s"

    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        group.create_task(app.run_task(host=f"unix:{path}", shutdown_trigger=stop.wait))
        while not path.exists():
            await asyncio.sleep(0.02)
        transport = httpx.AsyncHTTPTransport(uds=str(path))
        async with httpx.AsyncClient(transport=transport) as client:
            response = await client.get("http://shop.example/")
        stop.set()

    assert response.text == "hello"


async def test_run_task_serves_https_with_a_certificate(app):
    app.get("/")(lambda: request.url)
    trust = ssl.create_default_context(cafile=PEM)
    trust.check_hostname = False

    async def work(url):
        async with httpx.AsyncClient(verify=trust, trust_env=False) as client:
            return url, (await client.get(f"{url}/")).text

    url, text = await serving(app, work, certfile=PEM, keyfile=PEM)
    assert text == f"{url}/"
