"""The response: kinds of bodies, headers, error pages, and the ASGI messages that send it."""
