"""MemoryTransport: the transport keeps asyncio's contract with a protocol."""

from __future__ import annotations

import asyncio
from contextvars import copy_context

import pytest

from asyncflask.testing.memory_transport import MemoryTransport


class Protocol(asyncio.Protocol):
    """Collect the calls of the transport."""

    def __init__(self):
        self.heard = []

    def connection_made(self, transport):
        self.heard.append("made")

    def data_received(self, data):
        self.heard.append(data)

    def eof_received(self):
        self.heard.append("eof")

    def pause_writing(self):
        self.heard.append("pause")

    def resume_writing(self):
        self.heard.append("resume")

    def connection_lost(self, exc):
        self.heard.append(exc)


@pytest.fixture
async def protocol():
    return Protocol()


@pytest.fixture
async def transport(protocol):
    transport = MemoryTransport(("10.1.2.3", 4))
    transport.open(protocol, copy_context())
    return transport


async def test_nothing_can_be_written_after_the_end(transport):
    transport.write_eof()

    assert transport.can_write_eof()
    with pytest.raises(RuntimeError, match="after write_eof"):
        transport.write(b"a")


async def test_a_close_waits_for_the_client_to_read(transport):
    transport.held = True
    transport.write(b"ab")
    transport.close()
    transport.writelines([b"c", b"d"])
    assert transport.is_closing()
    assert not transport.ended
    transport.release(None)
    transport.write(b"e")

    assert transport.take() == b"abcd"
    assert transport.ended
    assert not transport.aborted


async def test_an_end_waits_for_the_client_to_read(transport):
    transport.held = True
    transport.write(b"ab")
    transport.write_eof()
    assert not transport.ended
    transport.release(None)

    assert transport.ended
    assert not transport.is_closing()


async def test_an_abort_loses_what_was_not_read(transport):
    transport.held = True
    transport.write(b"ab")
    transport.abort()
    transport.abort()

    assert transport.take() == b""
    assert transport.aborted


async def test_an_abort_after_the_close_does_nothing(transport):
    transport.close()
    transport.abort()

    assert not transport.aborted


async def test_the_protocol_is_told_when_to_pause_writing(transport, protocol):
    transport.set_write_buffer_limits(high=100)
    transport.held = True
    transport.write(b"x" * 100)
    assert protocol.heard == ["made"]
    transport.write(b"x")
    assert protocol.heard == ["made", "pause"]
    transport.release(75)
    assert protocol.heard == ["made", "pause"]
    transport.release(1)

    assert protocol.heard == ["made", "pause", "resume"]


async def test_limits_of_the_buffer_may_be_omitted_and_changed(transport, protocol):
    transport.set_write_buffer_limits()
    transport.held = True
    transport.write(b"x" * 64 * 1024)
    assert protocol.heard == ["made"]
    transport.set_write_buffer_limits(high=100, low=10)

    assert protocol.heard == ["made", "pause"]


async def test_segments_come_one_by_one_and_then_the_end(transport, protocol):
    transport.send([b"a", b"b", b""])
    assert protocol.heard == ["made"]
    await rounds()

    assert protocol.heard == ["made", b"a", b"b", "eof", None]
    assert transport.ended


async def test_reading_pauses_and_goes_on(transport, protocol):
    transport.pause_reading()
    transport.send([b"a"])
    await rounds()
    assert not transport.is_reading()
    assert protocol.heard == ["made"]
    transport.resume_reading()
    await rounds()

    assert protocol.heard == ["made", b"a"]


async def test_a_pause_holds_back_what_is_about_to_be_delivered(transport, protocol):
    transport.send([b"a"])
    transport.pause_reading()
    await rounds()

    assert protocol.heard == ["made"]
    assert list(transport.underway) == [b"a"]


async def test_nothing_is_read_after_a_close(transport, protocol):
    transport.close()
    transport.resume_reading()
    await rounds()

    assert not transport.is_reading()
    assert protocol.heard == ["made", None]


async def test_connection_lost_is_called_once_with_the_reason(transport, protocol):
    error = ConnectionResetError()
    transport.lose(error)
    transport.lose(None)
    await rounds()

    assert protocol.heard == ["made", error]


async def test_addresses_are_known(transport):
    assert transport.get_extra_info("peername") == ("10.1.2.3", 4)
    assert transport.get_extra_info("sockname") == ("127.0.0.1", 80)
    assert transport.get_extra_info("socket") is None


async def rounds(count=5):
    """Run a few rounds of the loop."""
    for _ in range(count):
        await asyncio.sleep(0)
