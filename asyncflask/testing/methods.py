"""One method of the test client for each HTTP method: ``client.get(...)``."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from werkzeug.test import TestResponse

from ..wrappers.never_awaited import NotesForgotten
from ..wrappers.request.awaitable import refusing


class HTTPMethods(NotesForgotten):
    """The methods of a client that call its :meth:`open` with an HTTP method."""

    def open(self, *args: Any, **kwargs: Any) -> Coroutine[Any, Any, TestResponse]:
        """Make a request; see :meth:`.TestClient.open`.

        Args:
            args: As for :meth:`.TestClient.open`.
            kwargs: As for :meth:`.TestClient.open`.

        Returns:
            A coroutine that returns the response.

        Raises:
            NotImplementedError: A subclass has to define this method, and does not.
        """
        raise NotImplementedError

    @refusing("client")
    async def get(self, *args: Any, **kw: Any) -> TestResponse:
        """Make a GET request.

        Args:
            args: As for :meth:`open`: the path.
            kw: As for :meth:`open`, without ``method``.

        Returns:
            The response.
        """
        kw["method"] = "GET"
        return await self.open(*args, **kw)

    @refusing("client")
    async def post(self, *args: Any, **kw: Any) -> TestResponse:
        """Make a POST request.

        Args:
            args: As for :meth:`open`: the path.
            kw: As for :meth:`open`, without ``method``.

        Returns:
            The response.
        """
        kw["method"] = "POST"
        return await self.open(*args, **kw)

    @refusing("client")
    async def put(self, *args: Any, **kw: Any) -> TestResponse:
        """Make a PUT request.

        Args:
            args: As for :meth:`open`: the path.
            kw: As for :meth:`open`, without ``method``.

        Returns:
            The response.
        """
        kw["method"] = "PUT"
        return await self.open(*args, **kw)

    @refusing("client")
    async def delete(self, *args: Any, **kw: Any) -> TestResponse:
        """Make a DELETE request.

        Args:
            args: As for :meth:`open`: the path.
            kw: As for :meth:`open`, without ``method``.

        Returns:
            The response.
        """
        kw["method"] = "DELETE"
        return await self.open(*args, **kw)

    @refusing("client")
    async def patch(self, *args: Any, **kw: Any) -> TestResponse:
        """Make a PATCH request.

        Args:
            args: As for :meth:`open`: the path.
            kw: As for :meth:`open`, without ``method``.

        Returns:
            The response.
        """
        kw["method"] = "PATCH"
        return await self.open(*args, **kw)

    @refusing("client")
    async def options(self, *args: Any, **kw: Any) -> TestResponse:
        """Make a OPTIONS request.

        Args:
            args: As for :meth:`open`: the path.
            kw: As for :meth:`open`, without ``method``.

        Returns:
            The response.
        """
        kw["method"] = "OPTIONS"
        return await self.open(*args, **kw)

    @refusing("client")
    async def head(self, *args: Any, **kw: Any) -> TestResponse:
        """Make a HEAD request.

        Args:
            args: As for :meth:`open`: the path.
            kw: As for :meth:`open`, without ``method``.

        Returns:
            The response.
        """
        kw["method"] = "HEAD"
        return await self.open(*args, **kw)

    @refusing("client")
    async def trace(self, *args: Any, **kw: Any) -> TestResponse:
        """Make a TRACE request.

        Args:
            args: As for :meth:`open`: the path.
            kw: As for :meth:`open`, without ``method``.

        Returns:
            The response.
        """
        kw["method"] = "TRACE"
        return await self.open(*args, **kw)
