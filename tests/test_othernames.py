"""Attributes of other frameworks: they do not exist, and the error names the remedy."""

from __future__ import annotations

import pytest

from asyncflask.othernames import explain_other_names


class Shop:
    """A class whose users know another one."""


explain_other_names(Shop, {"vend": "Write `shop.sell()`."})


def test_the_error_names_the_remedy():
    """The message has Python's own sentence and what to write instead."""
    with pytest.raises(AttributeError, match=r"'Shop' object has no attribute 'vend'\. Write") as e:
        Shop().vend  # type: ignore[attr-defined]
    assert (e.value.name, type(e.value.obj)) == ("vend", Shop)


def test_the_attribute_does_not_exist_for_hasattr_and_getattr():
    assert not hasattr(Shop, "vend")
    assert getattr(Shop(), "vend", None) is None


def test_an_instance_and_a_subclass_may_have_it():
    class Own(Shop):
        def vend(self):
            return "subclass"

    shop = Shop()
    shop.vend = "instance"

    assert (shop.vend, Own().vend()) == ("instance", "subclass")


def test_a_subclass_is_named_in_the_error():
    class Kiosk(Shop):
        pass

    with pytest.raises(AttributeError, match="'Kiosk' object has no attribute 'vend'"):
        Kiosk().vend  # type: ignore[attr-defined]
