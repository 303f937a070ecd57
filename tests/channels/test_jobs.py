"""Jobs of Celery, commands and forked workers publish, and a websocket of another app receives."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import httpx
import pytest
from celery import Celery

from asyncflask import Flask, websocket
from tests.services import free_port, in_ci_only

PATIENCE = 30

#: The module of commands and views, for an app of either kind.
SOURCE = """
import os
import click
from {package} import Flask
from asyncflask.channels import Channels

app = Flask(__name__)
app.config.update(CHANNELS_URL={url!r}, CHANNELS_PREFIX="jobs")
channels = Channels(app)


@app.post("/tell/<text>")
def tell_view(text):
    channels.publish("news", text)
    return str(os.getpid())


@app.post("/tell-async/<text>")
async def tell_async_view(text):
    await channels.publish("news", text)
    return str(os.getpid())


@app.cli.command("tell")
@click.argument("text")
def tell_command(text):
    channels.publish("news", text)


@app.cli.command("tell-async")
@click.argument("text")
async def tell_async_command(text):
    await channels.publish("news", text)
"""

#: The module of jobs: the commands do not wait for the import of Celery.
JOBS = """
from celery import Celery
from shop import app, channels

celery = Celery("jobs", broker={broker!r})
celery.conf.worker_hijack_root_logger = False


@celery.task
def tell(text):
    with app.app_context():
        channels.publish("news", text)
"""


@pytest.fixture
def broker(servers):
    """The URL of Celery's broker."""
    return servers("redis").url


@pytest.fixture(
    params=["asyncflask-redis", pytest.param("asyncflask.flask-postgresql", marks=in_ci_only)]
)
def variant(request):
    """The package of the app, and its engine."""
    return request.param.split("-")


@pytest.fixture
def engine(variant, servers):
    """The engine's URL."""
    return servers(variant[1]).url


@pytest.fixture
def module(variant, tmp_path, engine, broker):
    """Write the modules; return their folder."""
    (tmp_path / "shop.py").write_text(SOURCE.format(package=variant[0], url=engine))
    (tmp_path / "jobs.py").write_text(JOBS.format(broker=broker))
    return tmp_path


@pytest.fixture
async def news(engine, channels):
    """A websocket of an app that relays the channel "news"."""
    app = Flask("news")
    app.config.update(CHANNELS_URL=engine, CHANNELS_PREFIX="jobs")
    channels.init_app(app)

    @app.websocket("/news")
    async def news():
        async with channels.subscribe("news") as messages:
            await websocket.send("subscribed")
            async for message in messages:
                await websocket.send(message.text)

    async with app.test_app() as running, running.test_client().websocket("/news") as client:
        assert await client.receive() == "subscribed"
        yield client


async def run(module, *arguments, **options):
    """Run a command of Python's in the module's folder."""
    command = [sys.executable, "-m", *arguments]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=module, capture_output=True, text=True, **options
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def worker(module):
    """A worker of Celery."""
    options = ["--pool", "solo", "--loglevel", "warning", "--without-gossip", "--without-mingle"]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "jobs:celery",
            "worker",
            *options,
            "--without-heartbeat",
        ],
        cwd=module,
        env={**os.environ, "C_FORCE_ROOT": "1", "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    yield process
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in output, output


async def test_a_job_of_celery_publishes(worker, news, broker):
    with Celery("jobs", broker=broker) as celery:
        for text in ("1", "2"):
            await asyncio.to_thread(celery.send_task, "jobs.tell", [text])
            async with asyncio.timeout(PATIENCE):
                assert await news.receive() == text


async def test_commands_and_the_shell_publish(module, news):
    lines = "from shop import channels\nchannels.publish('news', '3')\n"
    await asyncio.gather(
        run(module, "asyncflask", "--app", "shop", "tell", "1"),
        run(module, "asyncflask", "--app", "shop", "tell-async", "2"),
        run(module, "asyncflask", "--app", "shop", "shell", input=lines),
    )
    async with asyncio.timeout(PATIENCE):
        assert {await news.receive() for _ in range(3)} == {"1", "2", "3"}


@pytest.fixture
def prefork(module, variant):
    """The URL of two workers of gunicorn, forked from a process that has published as well."""
    port = free_port()
    (module / "preloaded.py").write_text(
        "from shop import app, channels\nwith app.app_context(): channels.publish('news', '0')\n"
    )
    options = ["--preload", "--workers", "2", "--bind", f"127.0.0.1:{port}"]
    if variant[0] == "asyncflask":
        options += ["--worker-class", "asgi"]
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *options, "preloaded:app"],
        cwd=module,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in output, output


async def test_forked_workers_publish(prefork, news):
    async with asyncio.timeout(PATIENCE):
        assert await news.receive() == "0"
        async with httpx.AsyncClient(trust_env=False) as client:
            processes = set()
            for number in range(100):
                kind = ("tell", "tell-async")[number % 2]
                answer = await client.post(
                    f"{prefork}/{kind}/{number}", headers={"Connection": "close"}
                )
                assert answer.status_code == 200
                assert await news.receive() == str(number)
                processes.add(answer.text)
                if number > 3 and len(processes) == 2:
                    break
        assert len(processes) == 2
