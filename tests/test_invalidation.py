"""Watching: a cached value is deleted when an attribute that it depends on is assigned."""

from __future__ import annotations

from typing import ClassVar

import pytest

from asyncflask._invalidation import Watching


class Sum(Watching):
    """Caches the sum of two attributes."""

    _watched = frozenset({"a", "b"})
    a = 1
    b = 2
    unwatched = 0
    made: ClassVar[list[Sum]] = []

    def __init__(self):
        self.made.append(self)
        self.refresh_cached()

    def refresh_cached(self):
        self.kept = self.a + self.b

    @classmethod
    def _refresh_all(cls):
        for one in cls.made:
            one.refresh_cached()


@pytest.fixture(autouse=True)
def _as_before():
    yield
    Sum.made.clear()
    Sum.a = 1


def test_an_assignment_on_the_object_is_noticed():
    one, other = Sum(), Sum()
    one.a = 5

    assert (one.kept, other.kept) == (7, 3)


def test_a_deleted_attribute_is_noticed():
    one = Sum()
    one.a = 5
    del one.a

    assert one.kept == 3


def test_an_assignment_on_the_class_reaches_all_objects():
    one, other = Sum(), Sum()
    Sum.a = 5

    assert (one.kept, other.kept) == (7, 7)


def test_a_subclass_is_watched_as_well():
    class Derived(Sum):
        a = 10

    one = Derived()
    assert one.kept == 12
    Derived.b = 5
    assert one.kept == 15
    del Derived.a

    assert one.kept == 6


def test_other_attributes_do_not_delete_the_value():
    one = Sum()
    one.kept = "as it was"
    one.unwatched = Sum.unwatched = 5

    assert one.kept == "as it was"


def test_a_watched_value_may_be_kept_in_another_form():
    class Rounded(Sum):
        @classmethod
        def _prepared(cls, name, value):
            return round(value)

    one = Rounded()
    one.a, one.unwatched = 5.4, 0.5
    Rounded.b = 1.2

    assert (one.a, one.kept, one.unwatched) == (5, 6, 0.5)
