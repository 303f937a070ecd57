"""The request of ``async def`` functions: what needs the body is awaited (design D2).

It has a :class:`~.body.Body` that it shares with the synchronous request in :mod:`.sync`: what one
of them has read or parsed, and the limits set on it, hold for the other one too. Each subject has
a class in :mod:`.body_request`, :mod:`.form_data_request` and :mod:`.json_request`; the scope is
read in :mod:`..http_connection`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from .base import body_of
from .form_data_request import FormDataRequest
from .json_request import JSONRequest
from .sync import SyncRequest, prefetch

__all__ = ["Request", "SyncRequest", "body_of", "prefetch"]


class Request(FormDataRequest, JSONRequest):
    """An HTTP request, in ``async def`` functions.

    Data of the body are awaited: ``await request.get_json()``, ``await request.form``. Data of the
    request line and the headers are plain attributes: ``request.args``, ``request.headers``.

    Args:
        ctx: The context that carries this request.

    Source: ``Flask: Request``, ``Quart: Request``.
    """

    @property
    def environ(self) -> NoReturn:
        """Raise an error: an ASGI request has :attr:`scope`. ``def`` functions have an environ.

        Raises:
            AttributeError: Always.
        """
        raise AttributeError(
            "`request.environ` was read in an `async def` function, where the request does not come"
            " over WSGI. Read `request.headers`, `request.remote_addr` or `request.scope`, or"
            " declare the function with `def`."
        )

    # -- extensions of the server ------------------------------------------------------------------

    async def send_push_promise(self, path: str) -> None:
        """Announce that ``path`` will be pushed to the client, if the server supports it (HTTP/2).

        The headers that select the pushed response are copied from this request.

        Args:
            path: Path and query string on this host, beginning with a slash.

        Raises:
            ValueError: ``path`` is not a path.

        Source: ``ASGI: http.response.push``; ``Quart: Request.send_push_promise``.
        """
        if not path.startswith("/") or not path.isprintable() or " " in path:
            raise ValueError(
                f"send_push_promise({path!r}): this is not a path on this host."
                " Write it as url_for() returns it, for example '/static/style.css'."
            )
        if "http.response.push" not in (self.scope.get("extensions") or ()):
            return
        headers = [pair for pair in self.scope["headers"] if pair[0] in _PUSHED_HEADERS]
        message = {"type": "http.response.push", "path": path, "headers": headers}
        await self._ctx.send(message)

    async def send_early_hints(self, links: Iterable[str]) -> None:
        """Send a 103 response with ``Link`` headers first, if the server supports it.

        Args:
            links: Values of ``Link`` headers, such as ``"</style.css>; rel=preload; as=style"``.

        Raises:
            ValueError: A value has a control character or one outside of Latin-1.

        Source: ``ASGI: http.response.early_hint``; :rfc:`8297`.
        """
        encoded = [_link(link) for link in links]
        if "http.response.early_hint" in (self.scope.get("extensions") or ()):
            await self._ctx.send({"type": "http.response.early_hint", "links": encoded})


# -- hints for the client --------------------------------------------------------------------------

_PUSHED_HEADERS = frozenset(
    {b"accept", b"accept-encoding", b"accept-language", b"cache-control", b"user-agent"}
)


def _link(link: str) -> bytes:
    if not link.isprintable() or not link.isascii():
        raise ValueError(
            f"send_early_hints([{link!r}]): a Link header takes printable ASCII only."
            " Percent-encode the rest, for example with url_for()."
        )
    return link.encode("ascii")
