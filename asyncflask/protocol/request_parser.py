"""The head of a request: h11 reads it, and ambiguous heads that h11 accepts are refused here.

Requests are smuggled through proxies and servers that read one head differently. So a head that any
of them may read in another way gets a 400, even if a lenient reading exists.
``request_receiver.py`` finds the bytes of the head. (:rfc:`9112` §2 to §6; section numbers alone
are its.)
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from urllib.parse import unquote

import h11

from .events import Headers, ProtocolError, RequestHead
from .limits import Limits

# RFC 9110 §5.5: the tab is the only control character that is allowed.
_PRINTED = bytes(set(range(256)) - set(range(0x20)) - {0x7F} | set(b"\t"))
# RFC 3986 §3.2.2 and §3.2.3: a registered name or IPv4 address, or an IP literal; then a port.
_HOST = re.compile(
    rb"(?:(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+|\[([0-9A-Fa-f:.]+)\])"
    rb"(?::([0-9]{0,5}))?"
)
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?]*)([^?]*.*)", re.DOTALL)
# White space is stripped separately: a pattern for it at the end takes quadratic time.
_RAW_LENGTH = re.compile(rb"\r\n(?i:content-length):([^\r]*)")
_RAW_CODINGS = re.compile(rb"\r\n(?i:transfer-encoding):([^\r]*)")
_DIGITS = re.compile(rb"[0-9]{1,18}")
# PERF: a server has few names, so each is checked once, which saves 4 % of reading a small head.
# Bounded, because clients choose them.
_hosts: set[bytes] = set()
_HOSTS, _HOST_BYTES = 256, 255
_EXPLAINED = 200  # characters of h11's message, which quotes the client's bytes
#: How h11 quotes them.
_QUOTED = re.compile(r"bytearray\((b'.*'|b\".*\")\)\Z", re.DOTALL)

#: fields that concern the connection; the others are for the app
_DECIDING = frozenset(
    (b"host", b"connection", b"content-length", b"transfer-encoding", b"expect", b"upgrade")
)


def parse(head: bytes, limits: Limits) -> tuple[RequestHead, int | None]:
    """Read a complete head.

    Args:
        head: From the request line to the empty line, both included.
        limits: ``headers`` limits the number of fields.

    Returns:
        The request, and its body's length; ``None`` for a chunked one.

    Raises:
        ProtocolError: The head is malformed, ambiguous, or asks for an unsupported feature.
    """
    if _count_lines(head) - 2 > limits.headers:
        raise ProtocolError(431, f"The request has more than {limits.headers} header fields.")
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=len(head))
    parser.receive_data(head)
    try:
        event = parser.next_event()
    except h11.RemoteProtocolError as error:
        status = 501 if error.error_status_hint == 501 and _ends_chunked(head) else 400
        explained = _QUOTED.sub(r"\1", str(error))[:_EXPLAINED]
        raise ProtocolError(status, f"The request is malformed: {explained}.")
    assert isinstance(event, h11.Request)  # A complete head is a request or an error.
    return _read(event, head)


def _count_lines(head: bytes) -> int:
    """Count the lines; refuse characters that end one for some readers only. (§2.2, §5.2.)"""
    lines = head.count(b"\r\n")
    if head.translate(None, _PRINTED) != b"\r\n" * lines:
        raise ProtocolError(400, "The request's head has a control character, or a CR or LF alone.")
    if b"\n " in head or b"\n\t" in head:
        raise ProtocolError(400, "The request's head has a folded line.")
    return lines


def _ends_chunked(head: bytes) -> bool:
    """Return whether codings that h11 refuses have a known end.

    §6.3, 4.: 400 for a body whose end is unknown; §6.1: 501 for an unknown coding.
    """
    codings = b",".join(_RAW_CODINGS.findall(head)).lower().split(b",")
    return codings[-1].strip() == b"chunked"


def _read(event: h11.Request, head: bytes) -> tuple[RequestHead, int | None]:
    headers, deciding = _read_fields(event)
    version = event.http_version
    is_current = version == b"1.1"
    if not is_current and version != b"1.0":
        raise ProtocolError(505, "This server speaks HTTP/1.1 and HTTP/1.0.")
    raw_path, _, query = _path_of(event, deciding, headers).partition(b"?")
    length = _length(head, deciding, is_current)
    expects = is_current and b"expect" in deciding and _expects_continue(deciding)
    keep_alive, upgrade = is_current, ""
    if b"connection" in deciding:
        keep_alive, upgrade = _read_connection(deciding, is_current)
    path = raw_path.decode("ascii")
    request = RequestHead(
        event.method.decode("ascii"),
        event.target,
        unquote(path) if b"%" in raw_path else path,
        raw_path,
        query,
        headers,
        "1.1" if is_current else "1.0",
        length != 0,
        keep_alive,
        expects and length != 0,
        upgrade,
    )
    return request, length


def _read_fields(event: h11.Request) -> tuple[Headers, dict[bytes, bytes]]:
    """Return all fields, with names in lower case, and those that concern the connection."""
    headers: Headers = []
    deciding: dict[bytes, bytes] = {}
    for name, value in event.headers.raw_items():
        name = name.lower()
        headers.append((name, value))
        if name in _DECIDING:
            deciding[name] = deciding[name] + b"," + value if name in deciding else value
    return headers, deciding


def _path_of(event: h11.Request, deciding: dict[bytes, bytes], headers: Headers) -> bytes:
    """Return path and query of the target. (§3.2.)

    SECURITY: a URL is made from Host and target, so both must match their grammar (CVE-2026-48710
    and CVE-2026-54282, Starlette); of two Hosts each reader may use another one (CVE-2026-34525,
    aiohttp).
    """
    target, method = event.target, event.method
    if method == b"CONNECT":
        raise ProtocolError(501, "This server is no proxy: it does not CONNECT.")
    if b"#" in target:
        raise ProtocolError(400, "The request's target has a fragment.")
    host = deciding.get(b"host")
    if host is not None and host not in _hosts and not _is_host(host):
        raise ProtocolError(400, "The Host of the request is not a host with an optional port.")
    if target[:1] == b"/" or (target == b"*" and method == b"OPTIONS"):
        return target
    return _path_of_url(target, headers)


def _path_of_url(target: bytes, headers: Headers) -> bytes:
    """Return path and query of a target that is a whole URL, whose host replaces Host. (§3.2.2.)"""
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise ProtocolError(400, "The request's target does not begin with a slash.")
    authority, rest = absolute.groups()
    if not _is_host(authority):
        raise ProtocolError(400, "The request's target has no host with an optional port.")
    headers[:] = [pair for pair in headers if pair[0] != b"host"] + [(b"host", authority)]
    return rest if rest[:1] == b"/" else b"/" + rest


def _is_host(value: bytes) -> bool:
    """Return whether this is a host with an optional port, as urllib reads it."""
    match = _HOST.fullmatch(value)
    if match is None:
        return False
    literal, port = match.groups()
    if literal is not None:
        try:
            IPv6Address(literal.decode("ascii"))
        except ValueError:
            return False
    if port and int(port) > 65535:
        return False
    if len(_hosts) < _HOSTS and len(value) <= _HOST_BYTES:
        _hosts.add(value)
    return True


def _length(head: bytes, deciding: dict[bytes, bytes], is_current: bool) -> int | None:
    """Return the length of the body, ``None`` if it is chunked. (§6.)

    SECURITY: as in advisories of aiohttp, waitress and gunicorn: a length that only one of two
    readers accepts is a second request (CVE-2023-47641, CVE-2022-24761 …).
    """
    if b"transfer-encoding" in deciding:
        if b"content-length" in deciding:
            raise ProtocolError(400, "The request has both Transfer-Encoding and Content-Length.")
        if not is_current:
            raise ProtocolError(400, "A request of HTTP/1.0 has no Transfer-Encoding.")
        return None  # h11 has refused everything except a single "chunked".
    if b"content-length" not in deciding:
        return 0
    lengths = _RAW_LENGTH.findall(head)
    if len(lengths) != 1 or not _DIGITS.fullmatch(lengths[0].strip(b" \t")):
        raise ProtocolError(400, "The request's Content-Length is not one number.")
    return int(lengths[0])


def _read_connection(deciding: dict[bytes, bytes], is_current: bool) -> tuple[bool, str]:
    """Return whether the connection may stay open, and the protocol to switch to. (§9.3.)"""
    options = [option.strip() for option in deciding[b"connection"].lower().split(b",")]
    keep_alive = b"close" not in options and (is_current or b"keep-alive" in options)
    return keep_alive, _upgrade(deciding, options) if is_current else ""


def _upgrade(deciding: dict[bytes, bytes], options: list[bytes]) -> str:
    """Return whether the client asks for a websocket. (RFC 9110 §7.8: Connection must name it.)"""
    if b"upgrade" not in options:
        return ""
    wanted = [name.strip() for name in deciding.get(b"upgrade", b"").lower().split(b",")]
    return "websocket" if b"websocket" in wanted else ""


def _expects_continue(deciding: dict[bytes, bytes]) -> bool:
    # RFC 9110 §10.1.1
    if deciding[b"expect"].lower() != b"100-continue":
        raise ProtocolError(417, "The only expectation that is understood is '100-continue'.")
    return True
