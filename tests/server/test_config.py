"""Config: settings that are not possible are refused when they are written."""

from __future__ import annotations

import pytest

from asyncflask.protocol.limits import Limits
from asyncflask.server import Config


def test_the_defaults_limit_everything_that_a_client_can_make_grow():
    config = Config()

    assert config.limits.header_timeout < 60
    assert config.body_queue < 1024 * 1024


@pytest.mark.parametrize("name", ["connections", "body_queue", "write_timeout", "close_timeout"])
@pytest.mark.parametrize("value", [0, -1])
def test_zero_and_less_are_refused_with_the_name_of_the_setting(name, value):
    with pytest.raises(ValueError, match=rf"{name}={value} is no limit .* Set more than 0"):
        Config(**{name: value})


@pytest.mark.parametrize("name", ["grace", "ping_interval"])
def test_no_grace_and_no_pings_may_be_chosen(name):
    assert getattr(Config(**{name: 0}), name) == 0
    with pytest.raises(ValueError, match=f"{name}=-1 is no limit .* Set 0 or more"):
        Config(**{name: -1})


def test_a_connections_limits_are_checked_as_well():
    with pytest.raises(ValueError, match="header_bytes=0 is no limit"):
        Config(limits=Limits(header_bytes=0))


@pytest.mark.parametrize("path", ["shop", "/shop/", "/"])
def test_a_root_path_is_put_before_a_path(path):
    with pytest.raises(ValueError, match=f"root_path='{path}' cannot be a prefix"):
        Config(root_path=path)
    assert Config(root_path="/shop").root_path == "/shop"


def test_an_unknown_loop_is_refused():
    with pytest.raises(ValueError, match=r"loop='trio' is no event loop\. Choose one of"):
        Config(loop="trio")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Config(grace="10"), "grace='10' is no number"),
        (lambda: Config(connections=True), "connections=True is no number"),
        (lambda: Config(limits=Limits(headers=None)), "headers=None is no number"),
        (lambda: Config(limits={"headers": 5}), r"limits=\{'headers': 5\}: write Limits\("),
    ],
)
def test_a_setting_of_a_wrong_type_is_refused(make, text):
    with pytest.raises(TypeError, match=text):
        make()
