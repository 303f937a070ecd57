"""A change of the configuration takes effect at the next request, in whatever way it is made."""

import copy
import gc
import pickle
import weakref
from types import SimpleNamespace
from unittest import mock

import pytest
from werkzeug.exceptions import NotFound

import asyncflask.flask
import asyncflask.quart
from asyncflask import Flask
from asyncflask.config import Config
from asyncflask.testing import TestClient

HOSTS = {"TRUSTED_HOSTS": ["example.com"]}


def set_item(app):
    app.config["TRUSTED_HOSTS"] = ["example.com"]


def merge(app):
    app.config |= HOSTS


def merge_into_the_object(app):
    config = app.config
    config |= HOSTS


def set_default(app):
    del app.config["TRUSTED_HOSTS"]
    app.config.setdefault("TRUSTED_HOSTS", ["example.com"])


def replace_by_a_config(app):
    app.config = Config(app.root_path, {**app.config, **HOSTS})


def replace_and_change(app):
    app.config = Config(app.root_path, dict(app.config))
    set_item(app)


def replace_by_a_dict(app):
    app.config = {**app.config, **HOSTS}


def replace_by_a_dict_and_change(app):
    app.config = dict(app.config)
    set_item(app)


def fill_a_list(app):
    app.config["TRUSTED_HOSTS"].append("example.com")


def update_after_a_copy(app):
    copy.deepcopy(app.config)
    app.config.update(HOSTS)


CHANGES = [
    *(set_item, merge, merge_into_the_object, set_default, replace_by_a_config, replace_and_change),
    *(replace_by_a_dict, replace_by_a_dict_and_change, update_after_a_copy),
    lambda app: app.config.update(HOSTS),
    lambda app: app.config.from_mapping(HOSTS),
    lambda app: app.config.from_object(type("Settings", (), HOSTS)),
    lambda app: vars(app).update(config={**app.config, **HOSTS}) or app.refresh_cached(),
]


@pytest.fixture(params=[Flask, asyncflask.flask.Flask])
def app(request):
    app = request.param("shop")
    app.add_url_rule("/", view_func=lambda: "")
    return app


async def statuses(app):
    client = TestClient(app)
    return [
        (await client.get("/", headers={"Host": host})).status_code
        for host in ("example.com", "evil.test")
    ]


@pytest.mark.parametrize("change", CHANGES)
async def test_hosts_are_checked_as_soon_as_they_are_set(app, change):
    assert await statuses(app) == [200, 200]
    change(app)
    assert await statuses(app) == [200, 400]


async def test_hosts_are_checked_as_soon_as_an_empty_list_gets_some(app):
    app.config["TRUSTED_HOSTS"] = []
    await statuses(app)
    fill_a_list(app)
    assert await statuses(app) == [200, 400]


async def test_rules_match_by_subdomain_as_soon_as_that_is_turned_on(app):
    app.config["SERVER_NAME"] = "example.com"
    app.add_url_rule("/", endpoint="shop", view_func=lambda: "the shop", subdomain="shop")

    async def text(host):
        return (await TestClient(app).get("/", headers={"Host": host})).text

    assert await text("shop.example.com") == ""
    app.subdomain_matching = True
    assert await text("shop.example.com") == "the shop"
    assert await text("example.com") == ""


async def test_rules_of_quart_match_by_subdomain_as_soon_as_there_is_a_server_name():
    app = asyncflask.quart.Quart("quart")
    app.add_url_rule("/", endpoint="shop", view_func=lambda: "the shop", subdomain="shop")
    client = app.test_client()
    headers = {"Host": "shop.example.com"}
    assert (await client.get("/", headers=headers)).status_code == 404
    app.config["SERVER_NAME"] = "example.com"
    assert (await client.get("/", headers=headers)).status_code == 200
    assert (await client.get("/", headers={"Host": "example.com"})).status_code == 404


async def test_hosts_are_not_checked_any_more_after_a_patch_has_ended(app):
    with mock.patch.dict(app.config, HOSTS):
        assert await statuses(app) == [200, 400]
    assert await statuses(app) == [200, 200]


async def test_a_configuration_that_looks_its_values_up_elsewhere_is_asked_each_time(app):
    found = {}

    class Elsewhere(Config):
        def __getitem__(self, key):
            return found[key] if key in found else super().__getitem__(key)

    app.config = Elsewhere(app.root_path, dict(app.config))
    assert await statuses(app) == [200, 200]
    found.update(HOSTS)
    assert await statuses(app) == [200, 400]


async def test_a_configuration_that_a_property_returns_is_asked_each_time():
    configs = []

    class Shop(Flask):
        @property
        def config(self):
            return configs[-1]

        @config.setter
        def config(self, value):
            configs.append(value)

    app = Shop("shop")
    app.get("/")(lambda: "")
    assert await statuses(app) == [200, 200]
    configs.append(Config(app.root_path, {**app.config, **HOSTS}))
    assert await statuses(app) == [200, 400]


async def test_two_apps_with_one_configuration_both_see_its_changes(app):
    other = type(app)("other")
    other.add_url_rule("/", view_func=lambda: "")
    other.config = app.config
    assert await statuses(app) == await statuses(other) == [200, 200]
    set_item(app)
    assert await statuses(app) == await statuses(other) == [200, 400]


def test_a_configuration_is_changed_after_its_app_has_gone():
    app = Flask("shop")
    config = app.config
    gone = weakref.ref(app)
    del app
    gc.collect()

    set_item(SimpleNamespace(config=config))

    assert gone() is None
    assert config["TRUSTED_HOSTS"] == ["example.com"]


async def test_a_copy_of_the_configuration_changes_nothing(app):
    for copied in (
        copy.copy(app.config),
        copy.deepcopy(app.config),
        pickle.loads(pickle.dumps(app.config)),
        app.config.copy(),
    ):
        copied["TRUSTED_HOSTS"] = ["example.com"]
        assert copied == {**app.config, **HOSTS}
    assert copy.copy(app.config).root_path == app.config.root_path
    assert await statuses(app) == [200, 200]


async def test_traps_are_set_between_two_requests(app):
    client = TestClient(app)
    assert (await client.get("/missing")).status_code == 404
    app.config.update(TRAP_HTTP_EXCEPTIONS=True, PROPAGATE_EXCEPTIONS=True)
    with pytest.raises(NotFound):
        await client.get("/missing")


async def test_debug_is_set_between_two_requests(app):
    assert not app.debug
    app.config["DEBUG"] = True
    assert app.debug
    app.debug = False
    assert app.config["DEBUG"] is False
