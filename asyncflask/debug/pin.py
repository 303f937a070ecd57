"""The PIN of the interactive debugger, where Werkzeug's own is easy to guess.

Werkzeug derives it from properties of the machine, so that it survives a restart. In a container
most of them are the same for all users of the image.
"""

from __future__ import annotations

import os
import secrets
from hashlib import sha256
from pathlib import Path

from ..server.reload import SECRET

#: files that the usual container engines create in the root directory
_MARKS = (".dockerenv", "run/.containerenv")


def is_given() -> bool:
    """Return whether the environment sets the PIN or switches it off, as Werkzeug reads it."""
    given = os.environ.get("WERKZEUG_DEBUG_PIN", "")
    return given == "off" or given.replace("-", "").isdecimal()


def is_in_container(root: Path = Path("/")) -> bool:
    """Return whether this process runs in a container.

    Args:
        root: The root directory.
    """
    if "container" in os.environ or any((root / mark).exists() for mark in _MARKS):
        return True
    try:
        mounts = (root / "proc/self/mountinfo").read_text(errors="replace")
    except OSError:
        return False  # not Linux
    # proc(5): the fifth field is the mount point; the type of the file system follows " - ".
    return any(
        line.split(" ")[4:5] == ["/"] and line.partition(" - ")[2].startswith("overlay ")
        for line in mounts.splitlines()
    )


def random_pin() -> str:
    """Return a PIN that cannot be guessed: nine digits in Werkzeug's format.

    It stays the same when the reloader restarts the process.
    """
    seed = os.environ.get(SECRET) or secrets.token_hex(16)
    number = int.from_bytes(sha256(b"PIN" + seed.encode()).digest(), "big") % 10**9
    digits = f"{number:09d}"
    return "-".join((digits[:3], digits[3:6], digits[6:]))
