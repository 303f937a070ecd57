"""What ``asyncflask port`` says of extensions are the measured results."""

from __future__ import annotations

import json

from tests.compat.__main__ import DATA, RESULTS, data


def test_the_command_has_the_results_of_the_page() -> None:
    assert json.loads(DATA.read_text()) == data(json.loads(RESULTS.read_text()))
