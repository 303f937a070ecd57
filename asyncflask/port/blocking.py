"""Calls that block: which libraries they are of, and what replaces each in ``async def`` code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from .names import Code, Function
from .program import Program
from .report import Kind, Note

_IN_THREAD = "`await run_sync(function)(…)`"
_OF_REQUEST = "`await current_app.ensure_async(function)(…)`"
#: What a blocking call begins with (a dot or parentheses at the end) or is, and its replacement.
REPLACEMENTS = {
    "requests.": "httpx.AsyncClient, or aiohttp",
    "urllib.request.urlopen": "httpx.AsyncClient, or aiohttp",
    "urllib3.": "httpx.AsyncClient, or aiohttp",
    "httpx.get": "httpx.AsyncClient",
    "httpx.post": "httpx.AsyncClient",
    "httpx.request": "httpx.AsyncClient",
    "httpx.Client()": "httpx.AsyncClient",
    "asyncio.run": "`await`",
    "asyncio.get_event_loop().run_until_complete": "`await`",
    "asyncio.new_event_loop().run_until_complete": "`await`",
    "asgiref.sync.async_to_sync": "`await`",
    "time.sleep": "`await asyncio.sleep(…)`",
    "sqlite3.": "aiosqlite",
    "psycopg2.": "asyncpg, or psycopg.AsyncConnection",
    "psycopg.connect": "psycopg.AsyncConnection",
    "pymysql.": "asyncmy, or aiomysql",
    "MySQLdb.": "asyncmy, or aiomysql",
    "mysql.connector.connect": "mysql.connector.aio",
    "pymongo.MongoClient()": "pymongo.AsyncMongoClient",
    "redis.Redis()": "redis.asyncio.Redis",
    "redis.StrictRedis()": "redis.asyncio.Redis",
    "redis.from_url()": "redis.asyncio.from_url",
    "boto3.": "aioboto3",
    "smtplib.": "aiosmtplib",
    "paramiko.": "asyncssh",
    "ldap3.": f"a thread, {_IN_THREAD}",
    "peewee.": f"peewee_async, or {_OF_REQUEST}",
    "sqlalchemy.create_engine()": "sqlalchemy.ext.asyncio.create_async_engine",
    "sqlalchemy.orm.": "sqlalchemy.ext.asyncio.AsyncSession",
    "flask_sqlalchemy.SQLAlchemy()": f"SQLAlchemy's asyncio, or {_OF_REQUEST}",
    "flask_mail.": f"aiosmtplib, or {_OF_REQUEST}",
    "flask_caching.Cache()": f"{_IN_THREAD}, if its backend waits",
    "flask_wtf.": "`await request.data` before it, which the form reads",
    "builtins.open": f"aiofiles, or {_IN_THREAD}",
    "pathlib.Path().open": f"aiofiles, or {_IN_THREAD}",
    "pathlib.Path().read_": f"aiofiles, or {_IN_THREAD}",
    "pathlib.Path().write_": f"aiofiles, or {_IN_THREAD}",
    "shutil.": f"a thread, {_IN_THREAD}",
    "subprocess.": "asyncio.create_subprocess_exec",
    "os.system": "asyncio.create_subprocess_shell",
    "socket.": "asyncio.open_connection",
    "werkzeug.security.check_password_hash": f"a thread, {_IN_THREAD}",
    "werkzeug.security.generate_password_hash": f"a thread, {_IN_THREAD}",
    "bcrypt.": f"a thread, {_IN_THREAD}",
    "flask.current_app.open_resource": f"a thread, {_IN_THREAD}",
    "asyncflask.current_app.open_resource": f"a thread, {_IN_THREAD}",
    "threading.Thread().join": f"a thread, {_IN_THREAD}",
    "threading.Event().wait": "asyncio.Event",
    "queue.Queue().get": "asyncio.Queue",
    "concurrent.futures.wait": "asyncio.wait, and `loop.run_in_executor`",
    "concurrent.futures.as_completed": "asyncio.as_completed, and `loop.run_in_executor`",
    "builtins.input": f"a thread, {_IN_THREAD}",
}


#: Most functions that the report names for one call.
MOST_NAMES = 3


@dataclass(frozen=True, eq=False)
class Blocking:
    """A call that blocks, in a function."""

    code: Code
    node: cst.Call
    #: What is called, as ``sqlite3``.
    library: str
    instead: str

    @property
    def place(self) -> str:
        """File and line of the call."""
        return f"{self.code.source.path}:{self.code.line(self.node)}"


class BlockingCalls:
    """The blocking calls of a project.

    Args:
        program: The project.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._direct: dict[Function, list[Blocking]] = {}

    def direct(self, function: Function) -> list[Blocking]:
        """Return the blocking calls that are written in a function.

        Args:
            function: The function.

        Returns:
            The calls, in the order of the source.
        """
        if function not in self._direct:
            self._direct[function] = list(self._find(function))
        return self._direct[function]

    def first(self, function: Function) -> Blocking | None:
        """Return a blocking call of a function or of those that it calls; ``None`` without.

        Args:
            function: The function.

        Returns:
            The call, or ``None``.
        """
        seen = {function}
        todo = [function]
        while todo:
            one = todo.pop(0)
            if found := self.direct(one):
                return found[0]
            for call in one.calls:
                callee = self._program.called(one.code, call)
                if callee is not None and callee not in seen and not callee.is_async:
                    seen.add(callee)
                    todo.append(callee)
        return None

    def in_callees(self, function: Function) -> Iterator[Blocking]:
        """Give the first blocking call of each ``def`` function that a function calls.

        Args:
            function: The function.

        Returns:
            The calls.
        """
        callees = (self._program.called(function.code, call) for call in function.calls)
        for callee in dict.fromkeys(callees):
            below = self.first(callee) if callee is not None and not callee.is_async else None
            if below is not None:
                yield below

    def _find(self, function: Function) -> Iterator[Blocking]:
        for call in function.calls:
            value = self._program.value(function.code, call.func)
            # A class of the project is what it inherits from: a form of Flask-WTF.
            bases = self._program.all_bases(value) if value in self._program.classes else set()
            for prefix, instead in REPLACEMENTS.items():
                is_it = any(_begins(name, prefix) for name in (value, *bases))
                if is_it and not _has_await(function.code, call):
                    name = prefix.rstrip("._()").removeprefix("builtins.")
                    yield Blocking(function.code, call, name, instead)
                    break


def _begins(value: str, prefix: str) -> bool:
    return value == prefix or (prefix[-1] in "._)" and value.startswith(prefix))


def _has_await(code: Code, call: cst.Call) -> bool:
    return isinstance(code.parent(call), cst.Await)


def note_blocking_calls(program: Program, notes: list[Note]) -> None:
    """Note the calls that block in ``async def`` functions, or in ``def`` functions they call.

    Args:
        program: The project.
        notes: Gets the notes.
    """
    for found, names in _callers_by_call(program).items():
        by = ", ".join(f"`{name}`" for name in names[:MOST_NAMES])
        more = " and others" if len(names) > MOST_NAMES else ""
        text = f"{found.library} in {by}{more}: use {found.instead}"
        line = found.code.line(found.node)
        notes.append(Note(Kind.BLOCKING, text, found.code.source.path, line))


def _callers_by_call(program: Program) -> dict[Blocking, list[str]]:
    """Return the calls that block, each with the ``async def`` functions that reach it."""
    calls = BlockingCalls(program)
    callers: dict[Blocking, list[str]] = {}
    for function in program.all_functions:
        if function.is_async and not function.code.source.is_test:
            for found in (*calls.direct(function), *calls.in_callees(function)):
                callers.setdefault(found, []).append(function.short_name)
    return callers
