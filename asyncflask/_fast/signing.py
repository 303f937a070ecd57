"""Signed values in a cookie, for itsdangerous' ``URLSafeTimedSerializer``.

PERF: what depends on the secret key alone is done once: deriving the signing key (4 µs for each
cookie) and hashing the two blocks that HMAC makes of it.
"""

from __future__ import annotations

import functools
import hmac
import zlib
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from typing import Any, Protocol, Self

from itsdangerous import Signer, TimestampSigner, URLSafeTimedSerializer
from itsdangerous.encoding import base64_encode, int_to_bytes

Mac = Callable[[bytes], bytes]


class Digest(Protocol):
    """A hash object, as in :mod:`hashlib`."""

    @property
    def block_size(self) -> int: ...

    def copy(self) -> Self: ...

    def digest(self) -> bytes: ...

    def update(self, data: bytes, /) -> None: ...


#: zlib adds 6 bytes of its own, and the four signs of any JSON object with a key take deflate 9.
_NEVER_SHRINKS = 16
_NOT_WRITTEN = b"=\n"
_PAD = b"=="  #: More than is needed is overlooked.
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_URL_UNSAFE = bytes.maketrans(b"-_", b"+/")


class CookieSerializer(URLSafeTimedSerializer):
    """itsdangerous' serializer for a cookie of one salt; several threads may use it.

    Reading confirms cookies that are certainly valid; itsdangerous decides about all others.
    """

    #: a second, and how it is written into the cookies of that second
    _stamp = (0, b"")

    @functools.cached_property
    def _keys(self) -> tuple[TimestampSigner, list[Mac]]:
        """The signer, and a function for each key; the last key signs, and is first here."""
        signer: Any = self.make_signer()  # A timed serializer makes a timed signer.
        return signer, [make_mac(signer, key) for key in reversed(signer.secret_keys)]

    def loads(  # type: ignore[override]  # itsdangerous' own is not compatible with its base
        self,
        s: str | bytes,
        max_age: int | None = None,
        return_timestamp: bool = False,
        salt: str | bytes | None = None,
    ) -> object:
        """Return the value of a cookie, as ``URLSafeTimedSerializer.loads`` does.

        Args:
            s: The cookie.
            max_age: Most seconds since it was signed.
            return_timestamp: Whether to return the time of its signature as well.
            salt: Another salt than the serializer's.

        Returns:
            The value.
        """
        if max_age is not None and salt is None and not return_timestamp:
            content: Any = self._read(s.encode() if isinstance(s, str) else s, max_age)
            if content is not None:
                try:
                    return self.serializer.loads(
                        content.decode() if self.is_text_serializer else content
                    )
                except Exception:
                    pass  # Signed, but it cannot be read: itsdangerous raises a BadPayload.
        return super().loads(s, max_age, return_timestamp, salt)

    def _read(self, cookie: bytes, max_age: int) -> bytes | None:
        """Return what was signed; ``None`` if itsdangerous has to be called."""
        signer, macs = self._keys
        signed, _, signature = cookie.rpartition(b".")
        for mac in macs:
            own = b2a_base64(mac(signed)).translate(_URL_SAFE, _NOT_WRITTEN)
            if hmac.compare_digest(own, signature):
                break
        else:
            return None
        payload, _, stamp = signed.translate(_URL_UNSAFE).rpartition(b".")
        try:
            age = signer.get_timestamp() - int.from_bytes(a2b_base64(stamp + _PAD), "big")
            if not 0 <= age <= max_age:
                return None
            if payload[:1] == b".":
                return zlib.decompress(a2b_base64(payload[1:] + _PAD))
            return a2b_base64(payload + _PAD)
        except (ValueError, zlib.error):
            return None  # Signed with this key, but by something else.

    def dumps(self, obj: object, salt: str | bytes | None = None) -> str:
        """Return a value as a cookie, as ``URLSafeTimedSerializer.dumps`` does.

        Args:
            obj: The value.
            salt: Another salt than the serializer's.

        Returns:
            The cookie.
        """
        if salt is not None:
            return super().dumps(obj, salt)
        signer, macs = self._keys
        text = self.serializer.dumps(obj)
        content: bytes = text.encode() if isinstance(text, str) else text
        mark = b""
        if len(content) > _NEVER_SHRINKS:
            compressed = zlib.compress(content)
            if len(compressed) < len(content) - 1:
                mark, content = b".", compressed
        # The method is looked up at each use: tests patch it on the class to stop the clock.
        now = signer.get_timestamp()
        second, stamp = self._stamp
        if now != second:
            stamp = b"." + base64_encode(int_to_bytes(now))
            self._stamp = now, stamp
        signed = mark + b2a_base64(content).translate(_URL_SAFE, _NOT_WRITTEN) + stamp
        signature = b2a_base64(macs[0](signed)).translate(_URL_SAFE, _NOT_WRITTEN)
        return f"{signed.decode()}.{signature.decode()}"


def make_mac(signer: Signer, secret_key: bytes) -> Mac:
    """Return a function that signs bytes as ``signer`` does with one of its keys.

    Args:
        signer: The signer.
        secret_key: The key, from which the signing key is derived once.
    """
    key = signer.derive_key(secret_key)
    mac: Mac = functools.partial(signer.algorithm.get_signature, key)
    try:
        prepared = prepare_hmac(signer.digest_method, key)
        return prepared if prepared(b"") == mac(b"") else mac
    except Exception:
        return mac  # A digest without copy(), or without a digest; raised again when it is used.


def prepare_hmac(digest_method: Callable[..., Digest], key: bytes) -> Mac:
    """Return HMAC (:rfc:`2104` §2) with the key's two blocks hashed beforehand.

    Args:
        digest_method: Makes a hash object, as in :mod:`hashlib`.
        key: The key.
    """
    inner, outer = digest_method(), digest_method()
    if len(key) > inner.block_size:
        key = digest_method(key).digest()
    key = key.ljust(inner.block_size, b"\0")
    inner.update(bytes(byte ^ 0x36 for byte in key))
    outer.update(bytes(byte ^ 0x5C for byte in key))

    def mac(data: bytes) -> bytes:
        first, second = inner.copy(), outer.copy()
        first.update(data)
        second.update(first.digest())
        return second.digest()

    return mac
