"""Only a change beyond that of the machine and the noise is reported as slower."""

from __future__ import annotations

import pytest

from benchmarks import compare

KEPT = {"resident": [1000, 9000], "blocks": [10, 20_010], "objects": [0, 0], "requests": 20000}
FLAT = {"resident": [1000, 1010], "blocks": [10, 12], "objects": [0, 0], "requests": 20000}


def test_a_slower_workload_is_named_with_both_times(result):
    before = result({"plaintext": {"asyncflask": 3.0, "starlette": 6.0}})
    after = result({"plaintext": {"asyncflask": 4.5, "starlette": 6.0}})

    text, worse = compare.summary(before, after)

    assert worse
    assert "asyncflask, plaintext: 3 µs before, 4.5 µs now, +50%" in text


def test_a_slower_machine_is_not_a_slower_asyncflask(result):
    before = result({"plaintext": {"asyncflask": 3.0, "starlette": 6.0, "raw": 1.0}})
    after = result({"plaintext": {"asyncflask": 6.0, "starlette": 12.0, "raw": 2.0}})

    text, worse = compare.summary(before, after)

    assert not worse
    assert "The machine took 2.00 x the time of before." in text


def test_a_peer_of_another_version_says_nothing_of_the_machine(result):
    before = result({"plaintext": {"quart": 100.0, "raw": 1.0}}, quart="1.0")
    after = result({"plaintext": {"quart": 300.0, "raw": 1.0}}, quart="2.0")

    assert compare.machine_factor(before, after) == 1.0


def test_overlapping_quartiles_are_noise(result):
    before = result({"plaintext": {"asyncflask": 3.0}})
    after = result({"plaintext": {"asyncflask": 3.6}})
    after["times"]["plaintext"]["asyncflask"]["low"] = 2.9

    assert compare.summary(before, after)[1] is False


def test_a_change_below_the_threshold_is_noise(result):
    before = result({"plaintext": {"asyncflask": 3.00}})
    after = result({"plaintext": {"asyncflask": 3.12}})

    assert compare.summary(before, after)[1] is False
    assert compare.summary(before, after, threshold=0.03)[1] is True


def test_a_faster_workload_is_no_fault(result):
    before = result({"plaintext": {"asyncflask": 3.0}})
    after = result({"plaintext": {"asyncflask": 2.0}})

    text, worse = compare.summary(before, after)

    assert not worse
    assert "Faster: 1" in text


def test_the_worst_change_comes_first(result):
    before = result({"plaintext": {"asyncflask": 3.0}, "json": {"asyncflask": 4.0}})
    after = result({"plaintext": {"asyncflask": 4.0}, "json": {"asyncflask": 8.0}})

    assert [change.workload for change in compare.changes(before, after)] == ["json", "plaintext"]


def test_a_workload_that_was_not_measured_before_is_passed_over(result):
    assert compare.changes(result({}), result({"plaintext": {"asyncflask": 3.0}})) == []


def test_memory_that_is_kept_now_is_named(result):
    before = result({}, {"plaintext": FLAT, "json": KEPT})
    after = result({}, {"plaintext": KEPT, "json": KEPT})

    text, worse = compare.summary(before, after)

    assert worse
    assert "Keeps memory now: plaintext" in text
    assert "json" not in text


def test_figures_of_another_unit_are_shown_without_one(result):
    before = result({"import, ms": {"asyncflask": 100.0}}) | {"unit": ""}
    after = result({"import, ms": {"asyncflask": 150.0}}) | {"unit": ""}

    text, _ = compare.summary(before, after)

    assert "asyncflask, import, ms: 100 before, 150 now, +50%" in text


def with_sizes(result, **medians):
    sizes = result({"sent 1048576": {"asyncflask": medians["asyncflask"], "raw": 1.0}})["times"]
    return result({"hooks 1": {"asyncflask": 1.0}}) | {"sizes": sizes, "size_unit": "KiB"}


def test_more_memory_is_named_whatever_the_machine_does(result):
    before, after = (with_sizes(result, asyncflask=value) for value in (100.0, 300.0))

    text, worse = compare.summary(before, after)

    assert worse
    assert "More memory: 1, beyond the noise." in text
    assert "asyncflask, sent 1048576: 100 KiB before, 300 KiB now, +200% (memory)" in text


def test_less_memory_is_no_fault(result):
    before, after = (with_sizes(result, asyncflask=value) for value in (300.0, 100.0))

    text, worse = compare.summary(before, after)

    assert not worse
    assert "Less memory: 1, beyond the noise." in text


def test_a_server_that_became_another_says_nothing_of_the_machine(result):
    before = result({"uvicorn": {"raw": 1.0}, "granian": {"raw": 1.0}})
    after = result({"uvicorn": {"raw": 3.0}, "granian": {"raw": 2.0}})
    before["servers"] = {"uvicorn": {"uvicorn": "1"}, "granian": {"granian": "1"}}
    after["servers"] = {"uvicorn": {"uvicorn": "2"}, "granian": {"granian": "1"}}

    assert compare.machine_factor(before, after) == 2.0


def test_the_own_server_is_looked_at_under_any_app(result):
    before = result({"embedded": {"raw": 10.0}, "granian": {"raw": 10.0}})
    after = result({"embedded": {"raw": 20.0}, "granian": {"raw": 10.0}})
    servers = {"embedded": {"asyncflask": "1"}, "granian": {"granian": "1"}}
    before["servers"] = after["servers"] = servers

    text, worse = compare.summary(before, after)

    assert worse
    assert "raw ASGI, embedded: 10 µs before, 20 µs now, +100%" in text


def test_results_of_two_commands_are_not_compared(result):
    with pytest.raises(ValueError, match="first result is of 'growth' and the second of 'startup'"):
        compare.summary(result({}) | {"kind": "growth"}, result({}) | {"kind": "startup"})
