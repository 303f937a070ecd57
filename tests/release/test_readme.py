"""The README is followed to the letter, and a command that does something else is an error."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from .readme import Failed, Follower

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the README's commands are bash's")

README = """\
Write `app.py`:

```python
print("hello")
```

Run it:

```console
$ python app.py | tr a-z A-Z
{output}
```
"""


@pytest.fixture
def follow(tmp_path):
    """Follow a text in an empty folder; no command serves."""
    follower = Follower(tmp_path, Path(sys.executable).parent, serves=re.compile("never"))
    return lambda text: list(follower.follow(text))


def test_files_are_written_and_commands_run(follow):
    assert follow(README.format(output="HELLO")) == [
        "app.py: written",
        "python app.py | tr a-z A-Z: done",
    ]


def test_another_output_is_an_error(follow):
    with pytest.raises(Failed, match=r"printed 'HELLO\\n'; the README has 'GOODBYE\\n'"):
        follow(README.format(output="GOODBYE"))


def test_a_command_that_fails_is_an_error(follow):
    with pytest.raises(Failed, match="'exit 3' ended with 3"):
        follow("```console\n$ exit 3\n```\n")
