"""The request: its body, headers, forms and JSON, for ``async def`` and for ``def`` views."""
