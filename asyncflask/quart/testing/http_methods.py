"""The methods of the test client that are named like those of HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..wrappers import Response


class MethodShortcuts:
    """One method of Python for each method of HTTP; :meth:`open` makes the request."""

    async def open(self, *args: Any, **kwargs: Any) -> Response:
        """Make a request.

        Args:
            args: As the subclass defines them.
            kwargs: As the subclass defines them; ``method`` is the method of HTTP.
        """
        raise NotImplementedError

    async def delete(self, *args: Any, **kwargs: Any) -> Response:
        """Make a DELETE request.

        Args:
            args: As for :meth:`open`.
            kwargs: As for :meth:`open`.
        """
        return await self.open(*args, method="DELETE", **kwargs)

    async def get(self, *args: Any, **kwargs: Any) -> Response:
        """Make a GET request.

        Args:
            args: As for :meth:`open`.
            kwargs: As for :meth:`open`.
        """
        return await self.open(*args, method="GET", **kwargs)

    async def head(self, *args: Any, **kwargs: Any) -> Response:
        """Make a HEAD request.

        Args:
            args: As for :meth:`open`.
            kwargs: As for :meth:`open`.
        """
        return await self.open(*args, method="HEAD", **kwargs)

    async def options(self, *args: Any, **kwargs: Any) -> Response:
        """Make an OPTIONS request.

        Args:
            args: As for :meth:`open`.
            kwargs: As for :meth:`open`.
        """
        return await self.open(*args, method="OPTIONS", **kwargs)

    async def patch(self, *args: Any, **kwargs: Any) -> Response:
        """Make a PATCH request.

        Args:
            args: As for :meth:`open`.
            kwargs: As for :meth:`open`.
        """
        return await self.open(*args, method="PATCH", **kwargs)

    async def post(self, *args: Any, **kwargs: Any) -> Response:
        """Make a POST request.

        Args:
            args: As for :meth:`open`.
            kwargs: As for :meth:`open`.
        """
        return await self.open(*args, method="POST", **kwargs)

    async def put(self, *args: Any, **kwargs: Any) -> Response:
        """Make a PUT request.

        Args:
            args: As for :meth:`open`.
            kwargs: As for :meth:`open`.
        """
        return await self.open(*args, method="PUT", **kwargs)

    async def trace(self, *args: Any, **kwargs: Any) -> Response:
        """Make a TRACE request.

        Args:
            args: As for :meth:`open`.
            kwargs: As for :meth:`open`.
        """
        return await self.open(*args, method="TRACE", **kwargs)
