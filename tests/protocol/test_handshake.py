"""Handshake: which requests are valid, and the fields of the 101 response."""

from __future__ import annotations

import pytest

from asyncflask.protocol.asgi_state import IllegalMessage
from asyncflask.protocol.events import ProtocolError
from asyncflask.protocol.limits import Limits
from asyncflask.protocol.websocket import WebSocket

from .frames import HANDSHAKE, accepted, request


def _open(*headers, **options):
    return WebSocket(request(*headers, **options), Limits())


def _without(name):
    return [pair for pair in HANDSHAKE if pair[0] != name]


def _answer(*headers, subprotocol=None, own=()):
    return _open(*headers).accept(subprotocol, list(own))


def test_the_key_is_answered():
    """RFC 6455 §1.3 has this example."""
    answer = _answer()

    assert answer.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "POST"}, "begins with a GET"),
        ({"version": "1.0"}, "begins with a GET of HTTP/1.1"),
        ({"upgrade": ""}, "does not ask for an upgrade"),
        ({"handshake": _without(b"sec-websocket-key")}, "has 0 fields Sec-WebSocket-Key, not one"),
    ],
)
def test_a_handshake_that_is_not_in_order_is_a_400(options, message):
    with pytest.raises(ProtocolError, match=message) as caught:
        _open(**options)

    assert caught.value.status == 400


@pytest.mark.parametrize("key", [b"", b"short", b"a" * 24, b"dGhlIHNhbXBsZSBub25jZQ==x", b"\xff=="])
def test_a_key_that_is_not_base64_of_16_bytes_is_a_400(key):
    fields = [*_without(b"sec-websocket-key"), (b"sec-websocket-key", key)]
    with pytest.raises(ProtocolError, match="not the base64 of 16 bytes"):
        _open(handshake=fields)


def test_a_second_key_is_a_400():
    with pytest.raises(ProtocolError, match="has 2 fields Sec-WebSocket-Key"):
        _open((b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="))


@pytest.mark.parametrize("version", [b"8", b"0", b"13, 8", b""])
def test_another_version_is_a_426(version):
    fields = [*_without(b"sec-websocket-version"), (b"sec-websocket-version", version)]
    with pytest.raises(ProtocolError, match="speaks version 13") as caught:
        _open(handshake=fields)

    assert caught.value.status == 426


def test_subprotocols_are_offered_in_the_clients_order():
    headers = [
        (b"sec-websocket-protocol", b"chat, superchat"),
        (b"sec-websocket-protocol", b"x,,chat"),
    ]

    assert _open(*headers).subprotocols == ["chat", "superchat", "x"]
    assert b"\r\nSec-WebSocket-Protocol: superchat\r\n" in _answer(
        *headers, subprotocol="superchat"
    )


@pytest.mark.parametrize("value", [b"caf\xe9", b"a b", b"a;b", b'"a"', b"a\x7f"])
def test_a_subprotocol_that_is_no_token_is_a_400(value):
    """CVE-2026-42544, Granian: a worker ended with one that was not ASCII."""
    with pytest.raises(ProtocolError, match="not a list of tokens"):
        _open((b"sec-websocket-protocol", value))


def test_only_an_offered_subprotocol_can_be_chosen():
    with pytest.raises(IllegalMessage, match="subprotocol='b', and the client offers"):
        _answer((b"sec-websocket-protocol", b"a"), subprotocol="b")


def test_the_apps_headers_are_sent_and_date_and_server_added():
    websocket = _open()
    websocket.date, websocket.server = b"today", b"we"

    answer = websocket.accept(None, [(b"x-a", b"1"), (b"server", b"mine")])

    assert b"\r\nx-a: 1\r\nserver: mine\r\nDate: today\r\n" in answer
    assert b"Server: we" not in answer


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ((b"sec-websocket-accept", b"x"), "which the server writes"),
        ((b"Connection", b"x"), "which the server writes"),
        ((b"a b", b"x"), "A name is made of"),
        ((b"a", b"x\r\ny: z"), "a value has no control characters"),
    ],
)
def test_a_header_that_would_break_the_handshake_is_refused(header, message):
    with pytest.raises(IllegalMessage, match=message):
        _answer(own=[header])


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        (b"permessage-deflate", b"permessage-deflate"),
        (b"x-other, permessage-deflate", b"permessage-deflate"),
        (b",, permessage-deflate ,", b"permessage-deflate"),
        (
            b"permessage-deflate; server_no_context_takeover",
            b"permessage-deflate; server_no_context_takeover",
        ),
        (
            b"permessage-deflate; client_no_context_takeover",
            b"permessage-deflate; client_no_context_takeover",
        ),
        (
            b"permessage-deflate; client_max_window_bits",
            b"permessage-deflate; client_max_window_bits=12",
        ),
        (
            b'permessage-deflate; server_max_window_bits="9"',
            b"permessage-deflate; server_max_window_bits=9",
        ),
        # RFC 7692 §5.1: the next offer, where one cannot be met.
        (b"permessage-deflate; unknown, permessage-deflate", b"permessage-deflate"),
    ],
)
def test_compression_is_agreed_on(offer, answer):
    assert b"\r\nSec-WebSocket-Extensions: " + answer + b"\r\n" in _answer(
        (b"sec-websocket-extensions", offer)
    )


@pytest.mark.parametrize(
    "offer",
    [
        b"x-other",
        b"permessage-deflate; server_max_window_bits=8",
        b"permessage-deflate; server_max_window_bits=08",
        b"permessage-deflate; server_max_window_bits=16",
        b"permessage-deflate; server_max_window_bits",
        b"permessage-deflate; server_no_context_takeover=1",
        b"permessage-deflate; client_max_window_bits; client_max_window_bits",
        b"",
    ],
)
def test_an_offer_that_cannot_be_met_is_declined(offer):
    """RFC 7692 §7."""
    assert b"Extensions" not in _answer((b"sec-websocket-extensions", offer))


@pytest.mark.parametrize("offer", [b"a b", b"a;", b'a; b="c', b"a; =b", b"\xff", b'a; b="c d"'])
def test_extensions_that_are_malformed_are_a_400(offer):
    with pytest.raises(ProtocolError, match="Sec-WebSocket-Extensions is malformed"):
        _open((b"sec-websocket-extensions", offer))


def test_a_long_list_of_extensions_is_read_in_one_go():
    r"""Like CVE-2024-24762: no header of a client is matched with backtracking."""
    with pytest.raises(ProtocolError, match="malformed"):
        _open((b"sec-websocket-extensions", b"a" + b"; b" * 20_000 + b"; \x00"))


def test_compression_can_be_declined_altogether():
    offer = (b"sec-websocket-extensions", b"permessage-deflate")
    websocket = WebSocket(request(offer), Limits(), compress=False)

    assert b"Extensions" not in websocket.accept()


def test_a_websocket_is_accepted_once():
    with pytest.raises(IllegalMessage, match="sent twice"):
        accepted().accept()
