"""Start an app on this machine: ``asyncflask run`` and ``app.run()``.

The server is the embedded one (``asyncflask.server``), or hypercorn with ``--server hypercorn``;
the embedded server's reloader watches the files. The socket is bound here, so that a port in use is
one clear line.
"""

from __future__ import annotations

import errno
import socket
import ssl
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Literal, NoReturn

import click
from werkzeug.serving import generate_adhoc_ssl_context

from ..server import Config, listen, run
from ..server.lifespan import LifespanFailed
from ..server.listen import UNIX
from ..server.reload import inherited_socket, is_child, is_restarted, run_with_reloader
from ..typing import ASGIApplication
from .broken import BrokenServer
from .workers import Server, WorkerSettings, run_workers

#: seconds that open requests and websockets have before a reload, for which the developer waits
RELOAD_GRACE = 0.5
#: the same before the end, by server
GRACE: dict[Server, float] = {"embedded": 10.0, "hypercorn": 3.0}

Context = ssl.SSLContext | Literal["adhoc"]

REMEDIES = {
    errno.EADDRINUSE: "Another program listens there: stop it, or choose another port (--port).",
    errno.EACCES: "The system does not allow it: choose a port above 1023 (--port).",
    errno.EAFNOSUPPORT: "Choose an address (--host) and a port (--port).",
    errno.EADDRNOTAVAIL: "This machine has no such address: choose another one (--host).",
}


def serve_locally(
    app: ASGIApplication,
    host: str,
    port: int,
    *,
    server: Server = "embedded",
    workers: int | None = None,
    max_requests: int | None = None,
    certfile: str | None = None,
    keyfile: str | None = None,
    ssl_context: Context | None = None,
    use_reloader: bool = False,
    use_debugger: bool = False,
    extra_files: Iterable[str] | None = None,
    exclude_patterns: Iterable[str] | None = None,
) -> None:
    """Serve ``app`` until SIGINT or SIGTERM; a second signal ends it at once.

    Args:
        app: The ASGI application.
        host: A name or address of this machine, or ``unix:path``.
        port: The TCP port; 0 takes a free one.
        server: ``"embedded"``, or ``"hypercorn"`` for HTTP/2.
        workers: Number of processes to start, each of which loads the app, as
            :data:`~asyncflask.cli.worker.APP` says; ``None``: this one serves ``app``.
        max_requests: Requests after which a process is replaced.
        certfile: A certificate in PEM format, for HTTPS; with ``keyfile``.
        keyfile: Its key.
        ssl_context: Instead of these two; ``"adhoc"`` makes a certificate.
        use_reloader: Whether the process is restarted when a file of the program changes.
        use_debugger: Whether, in debug mode, an error is answered by the interactive debugger.
        extra_files: Further files to watch.
        exclude_patterns: ``fnmatch`` patterns of files not to watch.

    Raises:
        SystemExit: With status 1, after one line on standard error: the address cannot be used, or
            the app could not start. With the child's status, where the reloader runs one.
        ValueError: ``server`` is another word, or ``workers`` or ``max_requests`` does not go with
            the other arguments.
    """
    if server not in GRACE:
        raise ValueError(f"server={server!r} is none of {', '.join(map(repr, GRACE))}.")
    count = _count_supervised(workers, max_requests, use_reloader or ssl_context is not None)
    inherited = inherited_socket()
    listener = inherited or _listen(host, port)
    name = listener.getsockname()
    try:
        if use_reloader and not is_child():
            broken = BrokenServer(listener, lambda: tls_context(certfile, keyfile, ssl_context))
            run_with_reloader(
                listener,
                extra_files=extra_files,
                exclude_patterns=exclude_patterns,
                say=lambda text: click.echo(text, err=True),
                broke_off=broken.start,
                restarts=broken.stop,
            )
        if use_debugger:
            app.use_debugger = True  # type: ignore[attr-defined]  # other ASGI apps have none
        grace = RELOAD_GRACE if use_reloader else GRACE[server]
        if count:
            fileno = listener.fileno()
            settings = WorkerSettings(server, certfile, keyfile, grace, max_requests, fileno)
            _run_supervised(listener, count, settings)
        elif server == "hypercorn":
            _run_hypercorn(app, listener, certfile, keyfile, ssl_context, grace)
        else:
            context = tls_context(certfile, keyfile, ssl_context)
            ready = partial(_announce, _url(listener, context is not None))
            run_embedded(app, listener, Config(ssl=context, grace=grace), ready)
    finally:
        # A socket in the file system outlives its process; the reloader removes its own.
        if inherited is None and isinstance(name, str):
            Path(name).unlink(missing_ok=True)


def _count_supervised(workers: int | None, max_requests: int | None, contradicted: bool) -> int:
    """Return how many worker processes serve; refuse them where another argument contradicts."""
    supervised = workers is not None or max_requests is not None
    if (workers is not None and workers < 1) or (supervised and contradicted):
        raise ValueError(
            f"workers={workers!r}, max_requests={max_requests!r}: worker processes have no"
            " reloader, and need their certificate in files. Set use_reloader=False, and certfile"
            " and keyfile instead of ssl_context; or workers=None and max_requests=None."
        )
    return (workers or 1) if supervised else 0


def _run_supervised(listener: socket.socket, count: int, settings: WorkerSettings) -> None:
    if sys.platform == "win32":  # Descriptors are not inherited there.
        from .hypercorn import run_hypercorns_workers

        status = run_hypercorns_workers(listener, count, settings)
    else:
        ready = partial(_announce, _url(listener, settings.certfile is not None))
        status = run_workers(listener, count, settings, ready)
    if status:
        raise SystemExit(status)


def _run_hypercorn(
    app: ASGIApplication,
    listener: socket.socket,
    certfile: str | None,
    keyfile: str | None,
    ssl_context: Context | None,
    grace: float,
) -> None:
    from .hypercorn import ALPN, serve_with_hypercorn

    context = None
    if certfile is None:  # hypercorn makes a context of files itself.
        context = tls_context(None, None, ssl_context)
        if context is not None and ssl_context == "adhoc":
            context.set_alpn_protocols(ALPN)
    serve_with_hypercorn(
        app,
        listener,
        ready=partial(_announce, _url(listener, bool(certfile or ssl_context))),
        certfile=certfile,
        keyfile=keyfile,
        ssl_context=context,
        grace=grace,
    )


def run_embedded(
    app: ASGIApplication, listener: socket.socket, config: Config, ready: Callable[[], None]
) -> None:
    """Serve with the embedded server until a signal.

    Args:
        app: The ASGI application.
        listener: The socket to accept connections on.
        config: The settings.
        ready: Called once connections are accepted.

    Raises:
        SystemExit: With status 1, after one line on standard error: the app did not start.
    """
    try:
        run(app, [listener], config, ready=ready)
    except LifespanFailed as error:
        # The app's own log has the traceback.
        click.secho(f"Error: {error}", err=True, fg="red")
        raise SystemExit(1) from None


def _announce(where: str) -> None:
    """Print where the app is served, once: not again after each reload."""
    if not is_restarted():
        click.echo(f" * Running on {where} (Press CTRL+C to quit)", err=True)


def tls_context(
    certfile: str | None, keyfile: str | None, ssl_context: Context | None
) -> ssl.SSLContext | None:
    """Return the context for HTTPS; ``None`` for HTTP.

    Args:
        certfile: A certificate in PEM format.
        keyfile: Its key.
        ssl_context: Instead of these two; ``"adhoc"`` makes a certificate.
    """
    if isinstance(ssl_context, str):
        ssl_context = generate_adhoc_ssl_context()
    if ssl_context is None and certfile is not None:
        ssl_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        ssl_context.load_cert_chain(certfile, keyfile)
    return ssl_context


def _url(listener: socket.socket, is_secure: bool) -> str:
    name = listener.getsockname()
    if isinstance(name, str):
        return UNIX + name
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    return f"http{'s' * is_secure}://{host}:{name[1]}"


def _listen(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as error:
        _give_up(host, port, error)


def _give_up(host: str, port: int, error: OSError) -> NoReturn:
    remedy = REMEDIES.get(error.errno or 0, "Check the host and the port (--host, --port).")
    if host.startswith(UNIX) and error.errno != errno.EAFNOSUPPORT:
        listens = error.errno == errno.EADDRINUSE
        remedy = "Another program listens there: stop it, or choose" if listens else "Choose"
        remedy += " another path (--host unix:path)."
    if isinstance(error, socket.gaierror):
        remedy = "No such host is known: choose a name or address of this machine (--host)."
    place = repr(host) if host.startswith(UNIX) else f"port {port} of {host!r}"
    click.secho(f"Error: Cannot listen on {place} ({error.strerror}). {remedy}", err=True, fg="red")
    raise SystemExit(1)
