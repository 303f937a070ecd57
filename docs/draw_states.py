"""Draw the tables of ``asyncflask/protocol/asgi_state.py`` into ``reference/asgi-messages.md``.

``make diagrams`` runs it; a test says when the page is not as the tables are.
"""

from __future__ import annotations

from pathlib import Path

from asyncflask.protocol import asgi_state

PAGE = Path(__file__).parent / "reference" / "asgi-messages.md"

INTRODUCTION = """\
# ASGI messages

This page is for authors of ASGI middleware and extensions:
it shows which message an app may send in which state.
The embedded server and the test client check every app, middleware and extension against it:
a message that is not drawn here raises `IllegalMessage` in `send()`.

`make diagrams` writes this page from the tables in `asyncflask/protocol/asgi_state.py`.
"""

TITLES = {"http": "HTTP", "websocket": "Websocket", "lifespan": "Lifespan"}

NOTES = {
    "http": """\
A `http.response.body` without `more_body` is the last one.
A start with `trailers` true announces `http.response.trailers`;
the last of these is the one without `more_trailers`.
""",
    "websocket": """\
A `websocket.close` before `websocket.accept` refuses the websocket with status 403.
`websocket.http.response.start` refuses it with a response that the app chooses.
""",
    "lifespan": """\
The server sends `lifespan.startup` and `lifespan.shutdown`.
The app answers each of them, and sends nothing before it is asked.
""",
}

NEEDS = """\
## What is checked in a message

A message that needs an extension may be sent if `scope["extensions"]` has the extension.
A start that announces trailers needs the extension of the trailers.

| message | fields | extension |
|---|---|---|
"""


def page() -> str:
    """Return the whole page."""
    drawn = [_section(kind, table) for kind, table in asgi_state.TABLES.items()]
    return "\n".join([INTRODUCTION, *drawn, _needs()])


def _section(kind: str, table: asgi_state.Table) -> str:
    return f"## {TITLES[kind]}\n\n{NOTES[kind]}\n```mermaid\n{_diagram(table)}```\n"


def _diagram(table: asgi_state.Table) -> str:
    lines = ["stateDiagram-v2", f"    [*] --> {next(iter(table))}"]
    for state, row in table.items():
        lines += [f"    {state} --> {after}: {event}" for event, after in row.items()]
        if not row:
            lines.append(f"    {state} --> [*]")
    return "\n".join(lines) + "\n"


def _needs() -> str:
    """Return what messages need: their checked fields, and an extension."""
    rows = ""
    for name in dict.fromkeys(_name(event) for event in _events()):
        fields = ", ".join(f"`{field}`" for field in asgi_state.FIELDS.get(name, ()))
        key = asgi_state.EXTENSIONS.get(name)
        rows += f"| `{name}` | {fields} | {f'`{key}`' if key else ''} |\n"
    return NEEDS + rows


def _events() -> list[str]:
    events = [
        event for table in asgi_state.TABLES.values() for row in table.values() for event in row
    ]
    return [event for event in events if event not in asgi_state.SERVERS_OWN]


def _name(event: str) -> str:
    return event.partition(" (")[0]


if __name__ == "__main__":
    PAGE.write_text(page())
