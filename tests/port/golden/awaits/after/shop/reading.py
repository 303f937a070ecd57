"""Helpers that read the request."""

import asyncflask as flask
from asyncflask import request as req


async def wanted_name():  # called by views of other modules
    return (await req.form)["name"].strip()


async def wanted_names(*, upper=False):
    names = [name for name in (await flask.request.form).getlist("name")]
    return [name.upper() for name in names] if upper else names


async def greeting():
    return f"Hello {await wanted_name()}, {(await req.form)['city']}!"


def page_number():
    return int(req.args.get("page", 1))  # no body: stays


async def store(file, folder):
    await file.save(folder / file.filename)


async def fields(source):
    """Called with the request."""
    return {key: (await source.values)[key] for key in sorted(await source.values)}


class Reader:
    """Reads JSON."""

    def __init__(self, default):
        self.default = default

    async def json(self):
        return await req.get_json(silent=True) or self.default

    async def first(self):
        return (await self.json())[0]


class LoudReader(Reader):
    async def json(self):
        return [text.upper() for text in await super().json()]
