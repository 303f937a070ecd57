"""An app and a blueprint, for what both have in common."""

from __future__ import annotations

import pytest

from asyncflask import Blueprint, Flask


@pytest.fixture(params=["app", "blueprint"])
def scaffold(request, tmp_path):
    return make(request.param, root_path=str(tmp_path))


def make(kind, **options):
    if kind == "app":
        return Flask("shop", **{"static_folder": None, "template_folder": None, **options})
    return Blueprint("shop", "shop", **options)
