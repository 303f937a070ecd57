"""Where the debugger's PIN has to be a random one. (CVE-2019-14806)"""

from __future__ import annotations

import re

import pytest

from asyncflask.debug.pin import is_given, is_in_container, random_pin
from asyncflask.server.reload import SECRET

PLAIN = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
OVERLAY = "612 578 0:52 / / rw,relatime - overlay overlay rw,lowerdir=/var/lib/docker\n"
ELSEWHERE = PLAIN + "90 22 0:52 / /mnt/image rw - overlay overlay rw\n"


@pytest.fixture(autouse=True)
def _outside(monkeypatch):
    monkeypatch.delenv("container", raising=False)


def test_without_a_mark_it_is_no_container(tmp_path):
    assert not is_in_container(tmp_path)


@pytest.mark.parametrize("mark", [".dockerenv", "run/.containerenv"])
def test_docker_and_podman_leave_a_file(tmp_path, mark):
    (tmp_path / "run").mkdir()
    (tmp_path / mark).touch()

    assert is_in_container(tmp_path)


def test_systemd_and_podman_set_a_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("container", "systemd-nspawn")

    assert is_in_container(tmp_path)


@pytest.mark.parametrize(("mounts", "found"), [(PLAIN, False), (OVERLAY, True), (ELSEWHERE, False)])
def test_an_overlay_as_root_is_an_image(tmp_path, mounts, found):
    """Kubernetes leaves no mark."""
    folder = tmp_path / "proc/self"
    folder.mkdir(parents=True)
    (folder / "mountinfo").write_text(mounts)

    assert is_in_container(tmp_path) is found


def test_random_pins_have_werkzeugs_shape():
    pins = {random_pin() for _ in range(20)}

    assert len(pins) == 20
    assert all(re.fullmatch(r"\d{3}-\d{3}-\d{3}", pin) for pin in pins)


def test_a_random_pin_outlives_a_reload(monkeypatch):
    monkeypatch.setenv(SECRET, "one parent's")
    pin = random_pin()

    assert random_pin() == pin
    monkeypatch.setenv(SECRET, "another's")
    assert random_pin() != pin


@pytest.mark.parametrize(
    ("value", "given"), [("off", True), ("123-45", True), ("7", True), ("", False), ("abc", False)]
)
def test_a_given_pin_is_one_that_werkzeug_accepts(monkeypatch, value, given):
    monkeypatch.setenv("WERKZEUG_DEBUG_PIN", value)

    assert is_given() is given
