"""Check the distributions in ``dist/``: ``python -m tests.release``; ``make check-dist`` runs it.

Their files and metadata are read. The wheels are installed in a new environment, where the package
is imported. With ``--readme`` the README is followed to the letter in the unpacked source
distribution, with another new environment.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

from .contents import check_sdist, check_wheel
from .readme import Failed, Follower

PROJECT = Path(__file__).parents[2]
IMPORTS = "import asyncflask, asyncflask.flask, asyncflask.testing; print(asyncflask.__version__)"


def main() -> int:
    """Check everything, and print what was checked."""
    parser = argparse.ArgumentParser(prog="python -m tests.release", description=__doc__)
    parser.add_argument("dist", nargs="?", type=Path, default=PROJECT / "dist")
    parser.add_argument("--readme", action="store_true", help="follow the README as well")
    options = parser.parse_args()
    wheels = sorted(options.dist.glob("*.whl"))
    sdists = sorted(options.dist.glob("*.tar.gz"))
    mistakes = _missing(wheels, sdists)
    for path in [*wheels, *sdists]:
        found = check_wheel(path) if path.suffix == ".whl" else check_sdist(path)
        mistakes += [f"{path.name}: {mistake}" for mistake in found]
        print(f"{path.name}: {'files and metadata are right' if not found else 'see below'}")
    if not mistakes:
        mistakes += _installed(wheels)
    if not mistakes and options.readme:
        mistakes += _followed(next(path for path in sdists if "as_flask" not in path.name))
    print("".join(f"{mistake}\n" for mistake in mistakes), file=sys.stderr, end="")
    return int(bool(mistakes))


def _missing(wheels: list[Path], sdists: list[Path]) -> list[str]:
    if len(wheels) == len(sdists) == 2:
        return []
    return [
        f"There are {len(wheels)} wheels and {len(sdists)} sdists, not 2 each. Run `make dist`."
    ]


def _environment(folder: Path) -> Path:
    """Make an environment, and return the folder of its programs."""
    builder = venv.EnvBuilder(with_pip=True)
    builder.create(folder)
    return folder / ("Scripts" if sys.platform == "win32" else "bin")


def _installed(wheels: list[Path]) -> list[str]:
    """Install the wheels in a new environment, and use them there."""
    with tempfile.TemporaryDirectory() as folder:
        programs = _environment(Path(folder) / "env")
        commands = [
            [programs / "python", "-m", "pip", "install", "--quiet", *wheels],
            [programs / "python", "-m", "pip", "check"],
            [programs / "python", "-c", IMPORTS],
            [programs / "asyncflask", "--version"],
            [programs / "asyncflask", "new", "shop"],
        ]
        for command in commands:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            line = " ".join(Path(part).name for part in map(str, command))
            if done.returncode:
                return [f"{line}: ended with {done.returncode}: {done.stdout}{done.stderr}"]
            print(f"{line}: {done.stdout.strip() or 'done'}")
    return []


def _followed(sdist: Path) -> list[str]:
    """Follow the README of a source distribution, in a folder and an environment of its own."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(sdist) as archive:
            archive.extractall(folder, filter="data")
        (unpacked,) = Path(folder).iterdir()
        programs = _environment(Path(folder) / "env")
        text = (unpacked / "README.md").read_text(encoding="utf-8")
        try:
            for line in Follower(unpacked, programs).follow(text):
                print(f"README: {line}", flush=True)
        except Failed as error:
            return [f"README: {error}"]
    return []


if __name__ == "__main__":
    raise SystemExit(main())
