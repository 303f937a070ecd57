"""The command ``python -m benchmarks``: measure, write the tables; or compare two results.

A whole run writes ``results/latest.json`` (``servers``: ``results/servers.json``, and so on), its
picture, and the tables in ``README.md``. A part of one (``--quick``, ``--workload``, ``--peer``,
``--server``) only prints, unless ``--output`` names a file.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import (
    compare,
    growth,
    instructions,
    measure,
    memory,
    pieces,
    quart_apps,
    report,
    since,
    startup,
    waiting,
)
from .apps import PEERS
from .plot import plot, plot_standing
from .workloads import WORKLOADS

HERE = Path(__file__).parent
LATEST = HERE / "results" / "latest.json"
PICTURE = HERE / "results" / "latest.svg"
STANDING_PICTURE = HERE / "results" / "standing.svg"
SERVERS = HERE / "results" / "servers.json"
SERVERS_PICTURE = HERE / "results" / "servers.svg"
CHANNELS = HERE / "results" / "channels.json"
SOCKETS = HERE / "results" / "sockets.json"
README = HERE / "README.md"

ROUNDS, SECONDS, LAUNCHES = 42, 0.025, 6
QUICK_ROUNDS, QUICK_SECONDS = 5, 0.02


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = _parser().parse_args(arguments)
    return int(args.command(args))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.set_defaults(command=_run)
    parser.add_argument("--quick", action="store_true", help="few short rounds, no memory")
    _add_workload(parser)
    parser.add_argument(
        "--peer", action="append", choices=PEERS, metavar="NAME", help=f"of: {', '.join(PEERS)}"
    )
    parser.add_argument("--rounds", type=int, help=f"default {ROUNDS}")
    parser.add_argument("--seed", type=int, default=1, help="of the order of the peers")
    parser.add_argument("--output", type=Path, help="write the result there, as JSON")
    commands = parser.add_subparsers(title="other commands", metavar="")

    comparing = commands.add_parser("compare", help="name what got slower between two results")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    comparing.add_argument("--threshold", type=float, default=compare.THRESHOLD)
    comparing.set_defaults(command=_compare)

    remembering = commands.add_parser("memory", help="measure memory alone, and print it")
    _add_workload(remembering)
    remembering.set_defaults(command=_memory)

    serving = commands.add_parser("servers", help="measure servers over loopback (Linux)")
    serving.add_argument("--quick", action="store_true", help="few short rounds, few idle")
    serving.add_argument("--server", action="append", metavar="NAME", help="those only")
    serving.add_argument("--seed", type=int, default=1, help="of the order")
    serving.add_argument("--output", type=Path, help="write the result there, as JSON")
    serving.set_defaults(command=_servers)

    multiplying = commands.add_parser("workers", help="measure workers and restarts (Linux)")
    multiplying.add_argument("--quick", action="store_true", help="few short rounds and restarts")
    multiplying.add_argument("--server", action="append", metavar="NAME", help="those only")
    multiplying.add_argument("--restarts", type=int, help="default 20")
    multiplying.add_argument("--seed", type=int, default=1, help="of the order")
    multiplying.add_argument("--output", type=Path, help="write the result there, as JSON")
    multiplying.set_defaults(command=_workers)

    storing = commands.add_parser("database", help="measure views with PostgreSQL (Linux)")
    storing.add_argument("--quick", action="store_true", help="few short rounds")
    storing.add_argument("--server", action="append", metavar="NAME", help="those only")
    storing.add_argument("--seed", type=int, default=1, help="of the order")
    storing.add_argument("--output", type=Path, help="write the result there, as JSON")
    storing.set_defaults(command=_database)

    talking = commands.add_parser("channels", help="measure channels, each engine (Linux)")
    talking.add_argument("--part", choices=("engines", "sockets"), help="that one; default: both")
    starting = commands.add_parser("startup", help="measure imports and apps of 500 routes (Linux)")
    growing = commands.add_parser("growth", help="measure how cost grows")
    parking = commands.add_parser("waiting", help="measure requests that wait (Linux)")
    parting = commands.add_parser("pieces", help="measure what a request consists of")
    swapping = commands.add_parser("quart", help="measure Quart's extensions on both")
    counting = commands.add_parser("instructions", help="count instructions (needs valgrind)")
    for command, run in (
        (talking, _channels),
        (starting, _startup),
        (growing, _growth),
        (parking, _waiting),
        (parting, _pieces),
        (swapping, _quart),
        (counting, _instructions),
    ):
        command.add_argument("--quick", action="store_true", help="few rounds; nothing is written")
        command.add_argument("--seed", type=int, default=1, help="of the order")
        command.add_argument("--output", type=Path, help="write the result there, as JSON")
        command.set_defaults(command=run)

    dating = commands.add_parser("since", help="count instructions at a commit and now (valgrind)")
    dating.add_argument("commit")
    dating.add_argument("--python", action="append", metavar="PATH", help="default: this one")
    dating.add_argument("--quick", action="store_true", help="plaintext; nothing is written")
    dating.add_argument("--output", type=Path, help="write the result there, as JSON")
    dating.set_defaults(command=_since)

    reporting = commands.add_parser("report", help="write tables and pictures of the results again")
    reporting.set_defaults(command=_report)
    return parser


def _add_workload(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workload",
        action="append",
        choices=WORKLOADS,
        metavar="NAME",
        help=f"of: {', '.join(WORKLOADS)}",
    )


def _run(args: argparse.Namespace) -> int:
    workloads, peers = args.workload or list(WORKLOADS), args.peer or list(PEERS)
    rounds = args.rounds or (QUICK_ROUNDS if args.quick else ROUNDS)
    seconds = QUICK_SECONDS if args.quick else SECONDS
    launches = 1 if args.quick else min(LAUNCHES, rounds)
    result = measure.run(workloads, peers, rounds, seconds, args.seed, _say, launches)
    if not args.quick:
        result["memory"] = memory.run(workloads, _say)
    print(report.report(result))
    if args.output is not None:
        _write(args.output, result)
    if not (args.quick or args.workload or args.peer):
        _write(LATEST, result)
        _refresh()
    return 0


def _servers(args: argparse.Namespace) -> int:
    # Only this command needs them, and they are for Linux.
    from .servers import measure as serving
    from .servers import report as tables
    from .servers.starts import SERVERS as KNOWN

    names = args.server or list(KNOWN)
    if unknown := [name for name in names if name not in KNOWN]:
        _say(f"There is no server {unknown[0]!r}. There are: {', '.join(KNOWN)}.")
        return 2
    result = serving.run(names, serving.QUICK if args.quick else serving.FULL, args.seed, _say)
    print(tables.report(result))
    if args.output is not None:
        _write(args.output, result)
    if not (args.quick or args.server):
        _write(SERVERS, result)
        _refresh_servers()
    return 0


def _workers(args: argparse.Namespace) -> int:
    from .servers import workers  # for Linux

    names = args.server or list(workers.NAMES)
    if unknown := [name for name in names if name not in workers.NAMES]:
        _say(f"There is no server {unknown[0]!r}. There are: {', '.join(workers.NAMES)}.")
        return 2
    size = workers.QUICK if args.quick else workers.FULL
    if args.restarts is not None:
        size = dataclasses.replace(size, restarts=args.restarts)
        args.quick = True  # Only a whole run is written.
    return _finish(args, workers, workers.run(names, size, args.seed, _say))


def _database(args: argparse.Namespace) -> int:
    # Only this command needs them, and they are for Linux.
    from . import database
    from .database import rounds

    names = args.server or list(rounds.NAMES)
    if unknown := [name for name in names if name not in rounds.NAMES]:
        _say(f"There is no server {unknown[0]!r}. There are: {', '.join(rounds.NAMES)}.")
        return 2
    try:
        size = rounds.QUICK if args.quick else rounds.FULL
        result = rounds.run(names, size, args.seed, _say)
    except FileNotFoundError as error:
        _say(str(error))
        return 2
    return _finish(args, database, result)


def _channels(args: argparse.Namespace) -> int:
    # The engines' client libraries are needed here alone.
    from .channels import report as tables
    from .channels import run, sockets, sockets_report

    parts = (
        ("engines", run, tables, CHANNELS, _refresh_channels),
        ("sockets", sockets, sockets_report, SOCKETS, _refresh_sockets),
    )
    for name, part, shown, file, refresh in parts:
        if args.part not in (None, name):
            continue
        result = part.run(args.quick, args.seed, _say)
        print(shown.report(result))
        if args.output is not None:
            whole = args.output.with_suffix(f".{name}.json")
            _write(args.output if args.part else whole, result)
        if not args.quick:
            _write(file, result)
            refresh()
    return 0


def _refresh_channels() -> None:
    from .channels import report as tables

    text = tables.PAGE.read_text(encoding="utf-8")
    made = report.replaced(text, tables.report(_read(CHANNELS)), tables.BEGIN, tables.END)
    tables.PAGE.write_text(made, encoding="utf-8")


def _refresh_sockets() -> None:
    from .channels import report as channels
    from .channels import sockets_report as tables

    result = _read(SOCKETS)
    for page in (channels.PAGE, README):
        text = page.read_text(encoding="utf-8")
        made = report.replaced(text, tables.report(result), tables.BEGIN, tables.END)
        page.write_text(made, encoding="utf-8")
    _draw(tables.plot, result, SOCKETS.with_suffix(".svg"))


def _startup(args: argparse.Namespace) -> int:
    rounds = startup.QUICK_ROUNDS if args.quick else startup.ROUNDS
    return _finish(args, startup, startup.run(rounds, args.seed, _say))


def _growth(args: argparse.Namespace) -> int:
    return _finish(args, growth, growth.run(args.quick, args.seed, _say))


def _waiting(args: argparse.Namespace) -> int:
    return _finish(args, waiting, waiting.run(args.quick, args.seed, _say))


def _pieces(args: argparse.Namespace) -> int:
    return _finish(args, pieces, pieces.run(args.quick, args.seed, _say))


def _quart(args: argparse.Namespace) -> int:
    status = _finish(args, quart_apps, quart_apps.run(args.quick, args.seed, _say))
    if not args.quick:
        _refresh_page_on_quart_schema()
    return status


def _refresh_page_on_quart_schema() -> None:
    page, text = quart_apps.PAGE, quart_apps.PAGE.read_text(encoding="utf-8")
    made = quart_apps.page_table(_read(_file_of(quart_apps)))
    written = report.replaced(text, made, quart_apps.PAGE_BEGIN, quart_apps.PAGE_END)
    page.write_text(written, encoding="utf-8")


def _instructions(args: argparse.Namespace) -> int:
    return _counted(args, instructions, lambda: instructions.run(args.quick, args.seed, _say))


def _since(args: argparse.Namespace) -> int:
    pythons = [os.path.abspath(python) for python in args.python or [sys.executable]]
    try:
        return _counted(args, since, lambda: since.run(args.commit, pythons, args.quick, _say))
    except ValueError as error:
        _say(str(error))
        return 2


def _counted(args: argparse.Namespace, module: Any, run: Callable[[], dict[str, Any]]) -> int:
    try:
        result = run()
    except FileNotFoundError:
        _say(
            "Instructions are counted by valgrind, which is not there. Install it: Debian's"
            " package is `valgrind`."
        )
        return 2
    return _finish(args, module, result)


def _finish(args: argparse.Namespace, module: Any, result: dict[str, Any]) -> int:
    """Print a result and, after a whole run, write it with its tables and its picture."""
    print(module.report(result))
    if args.output is not None:
        _write(args.output, result)
    if not (args.quick or getattr(args, "server", None)):
        _write(_file_of(module), result)
        _refresh_section(module)
    return 0


def _file_of(module: Any) -> Path:
    return HERE / "results" / f"{module.__name__.rpartition('.')[2]}.json"


def _refresh_section(module: Any) -> None:
    file = _file_of(module)
    result = _read(file)
    text = README.read_text(encoding="utf-8")
    made = module.report(result)
    README.write_text(report.replaced(text, made, module.BEGIN, module.END), encoding="utf-8")
    _draw(module.plot, result, file.with_suffix(".svg"))


def _report(args: argparse.Namespace) -> int:
    _refresh()
    if SERVERS.exists():
        _refresh_servers()
    if CHANNELS.exists():
        _refresh_channels()
    if SOCKETS.exists():
        _refresh_sockets()
    for module in (startup, growth, waiting, pieces, quart_apps, instructions, since):
        if _file_of(module).exists():
            _refresh_section(module)
    if _file_of(quart_apps).exists():
        _refresh_page_on_quart_schema()
    from .servers import workers  # for Linux

    if _file_of(workers).exists():
        _refresh_section(workers)
    try:
        from . import database
    except ImportError as error:
        _say(f"The section on databases stays as it is: {error}. Install asyncpg to write it.")
        return 0
    if _file_of(database).exists():
        _refresh_section(database)
    return 0


def _refresh() -> None:
    result = _read(LATEST)
    report.refresh(README, result)
    _draw(plot, result, PICTURE)
    _draw(plot_standing, result, STANDING_PICTURE)


def _refresh_servers() -> None:
    from .servers import plot as picture
    from .servers import report as tables

    result = _read(SERVERS)
    text = README.read_text(encoding="utf-8")
    made = tables.report(result)
    README.write_text(report.replaced(text, made, tables.BEGIN, tables.END), encoding="utf-8")
    _draw(picture.plot, result, SERVERS_PICTURE)


def _draw(draw: Callable[[dict[str, Any], Path], None], result: dict[str, Any], path: Path) -> None:
    try:
        draw(result, path)
    except ImportError as error:
        _say(f"No picture was made: {error}.")


def _memory(args: argparse.Namespace) -> int:
    cells = memory.run(args.workload or list(WORKLOADS), _say)
    print(report.memory_table({"memory": cells}))
    return int(any(map(memory.is_kept, cells.values())))


def _compare(args: argparse.Namespace) -> int:
    try:
        text, worse = compare.summary(_read(args.before), _read(args.after), args.threshold)
    except ValueError as error:
        _say(str(error))
        return 2
    print(text)
    return int(worse)


def _read(path: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return result


def _write(path: Path, result: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_compact(json.dumps(result, indent=1)) + "\n", encoding="utf-8")


def _compact(text: str) -> str:
    """Write each list of numbers on one line, so that a result and its changes can be read."""
    return re.sub(r"\[\s+([\d.,\s-]+?)\s+\]", lambda found: f"[{' '.join(found[1].split())}]", text)


def _say(line: str) -> None:
    """Write a line about the progress to standard error."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
