"""listen(): a bound socket, or the system's error before anything else has started."""

from __future__ import annotations

import errno
import socket

import pytest

from asyncflask.server import listen

needs_unix = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs unix sockets")


def test_port_0_takes_a_free_one():
    with listen("127.0.0.1", 0) as listener:
        host, port = listener.getsockname()

        assert (host, port > 0) == ("127.0.0.1", True)


def test_a_host_name_is_resolved_for_ipv4():
    with listen("localhost", 0) as listener:
        assert listener.family is socket.AF_INET


def test_a_port_in_use_raises_the_error_of_the_system():
    with listen("127.0.0.1", 0) as listener:
        with pytest.raises(OSError, match="in use") as caught:
            listen("127.0.0.1", listener.getsockname()[1])

    assert caught.value.errno == errno.EADDRINUSE


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="Windows has no SO_REUSEPORT")
def test_two_processes_share_a_port_if_both_ask_for_it():
    with listen("127.0.0.1", 0, reuse_port=True) as first:
        with listen("127.0.0.1", first.getsockname()[1], reuse_port=True) as second:
            assert first.getsockname() == second.getsockname()


@needs_unix
@pytest.mark.parametrize("prefix", ["unix:", "unix://"])
def test_a_unix_socket_accepts_connections(tmp_path, prefix):
    path = str(tmp_path / "app.sock")
    with listen(prefix + path, 0), socket.socket(socket.AF_UNIX) as client:
        assert client.connect_ex(path) == 0


@needs_unix
def test_a_socket_that_a_killed_server_left_behind_is_replaced(tmp_path):
    place = f"unix:{tmp_path / 'app.sock'}"
    listen(place, 0).close()

    with listen(place, 0), socket.socket(socket.AF_UNIX) as client:
        assert client.connect_ex(str(tmp_path / "app.sock")) == 0


@needs_unix
def test_a_socket_of_a_running_server_is_not_replaced(tmp_path):
    place = f"unix:{tmp_path / 'app.sock'}"
    with listen(place, 0):
        with pytest.raises(OSError, match="in use"):
            listen(place, 0)


@needs_unix
def test_a_file_that_is_not_a_socket_is_not_replaced(tmp_path):
    path = tmp_path / "data"
    path.write_text("kept")
    with pytest.raises(OSError, match="in use"):
        listen(f"unix:{path}", 0)

    assert path.read_text() == "kept"


def test_a_unix_socket_cannot_share_a_port(tmp_path):
    with pytest.raises(ValueError, match="reuse_port=True has no meaning at 'unix:"):
        listen(f"unix:{tmp_path / 'a'}", 0, reuse_port=True)


@pytest.mark.parametrize("port", [-1, 65536, 70000, "80", None, True])
def test_what_is_no_port_is_refused(port):
    with pytest.raises(ValueError, match=r"no such port\. Write a number from 0 to 65535"):
        listen("127.0.0.1", port)


def test_a_host_that_is_no_text_is_refused():
    with pytest.raises(TypeError, match=r"the host is no text\. Write"):
        listen(None, 0)
