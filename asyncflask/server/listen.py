"""The sockets of a server: TCP, IPv6 or unix, each bound before anything else starts."""

from __future__ import annotations

import errno
import os
import socket
import stat
import sys

UNIX = "unix:"
BACKLOG = 2048  # connections that wait to be accepted
MOST_PORT = 65535


def listen(
    host: str, port: int, *, backlog: int = BACKLOG, reuse_port: bool = False
) -> socket.socket:
    """Return a socket that is bound and listens.

    Args:
        host: A name or address of this machine, or ``unix:path``.
        port: The TCP port; 0: any free port. Ignored for a unix socket.
        backlog: How many connections may wait to be accepted.
        reuse_port: Whether other processes may listen at the same port, so that the system
            distributes the connections (``SO_REUSEPORT``).

    Raises:
        OSError: The address cannot be used; ``errno`` has the reason.
        TypeError: The host is no text.
        ValueError: The port is no number of a port, or ``reuse_port`` is not supported on this
            system or with a unix socket.
    """
    if not isinstance(host, str):
        raise TypeError(
            f"listen({host!r}, …): the host is no text. Write '127.0.0.1', for example."
        )
    if host.startswith(UNIX):
        if reuse_port:
            raise ValueError(
                f"reuse_port=True has no meaning at {host!r}: it is for TCP ports. Leave it out."
            )
        if not hasattr(socket, "AF_UNIX"):  # Windows
            reason = "Python has no unix sockets on this system; use an address and a port"
            raise OSError(errno.EAFNOSUPPORT, reason, host)
        listener = _bind_unix(host.removeprefix(UNIX).removeprefix("//"))
    else:
        # The system would take 70000 for 4464.
        if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= MOST_PORT:
            raise ValueError(
                f"listen({host!r}, {port!r}): no such port. Write a number from 0 to {MOST_PORT}."
            )
        listener = _bind_tcp(host, port, reuse_port)
    listener.listen(backlog)
    listener.setblocking(False)
    return listener


def _bind_tcp(host: str, port: int, reuse_port: bool) -> socket.socket:
    # A name is resolved as IPv4, as Flask does: "localhost" is 127.0.0.1.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    address = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)[0][4]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # There two programs could share the port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            if not hasattr(socket, "SO_REUSEPORT"):
                raise ValueError("reuse_port=True: this system has no SO_REUSEPORT. Leave it out.")
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
    except BaseException:
        listener.close()
        raise
    return listener


def _bind_unix(path: str) -> socket.socket:
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(path)
    except OSError:
        listener.close()
        raise
    return listener


def _remove_stale(path: str) -> None:
    """Remove the file of a killed server; a server that still listens would answer."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return  # bind() says that the file exists.
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        if probe.connect_ex(path) == errno.ECONNREFUSED:
            os.unlink(path)
