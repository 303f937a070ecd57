"""The example chat: pages, rooms, members who join and leave, and slow members."""

from __future__ import annotations

import os

import pytest

from asyncflask import WebsocketDisconnect
from asyncflask.testing import WebsocketResponseError
from examples.chat import rooms


async def test_two_people_talk(client):
    async with client.websocket("/chat/lounge/ws?name=Ada") as ada:
        people = {"type": "people", "names": ["Ada"], "you": "Ada", "process": os.getpid()}
        assert await ada.receive_json() == people

        async with client.websocket("/chat/lounge/ws?name=Bob") as bob:
            assert (await bob.receive_json())["names"] == ["Ada", "Bob"]
            assert await ada.receive_json() == {"type": "join", "name": "Bob"}

            await bob.send_json({"text": "  Hello <b>Ada</b> "})
            said = {"type": "message", "name": "Bob", "text": "Hello <b>Ada</b>"}
            assert await ada.receive_json() == said
            assert await bob.receive_json() == said

        assert await ada.receive_json() == {"type": "leave", "name": "Bob"}


async def test_rooms_hear_nothing_of_each_other(client):
    async with (
        client.websocket("/chat/one/ws?name=Ada") as ada,
        client.websocket("/chat/two/ws?name=Bob") as bob,
    ):
        await bob.send_json({"text": "Anybody?"})
        await bob.receive_json()
        await bob.receive_json()
        await ada.send_json({"text": "Quiet here."})

        assert (await ada.receive_json())["type"] == "people"
        assert (await ada.receive_json())["text"] == "Quiet here."


async def test_a_name_is_taken_once(client):
    async with client.websocket("/chat/lounge/ws?name=Ada") as first:
        await first.receive_json()
        async with client.websocket("/chat/lounge/ws?name=Ada") as second:
            assert (await second.receive_json())["you"] == "Ada 2"


@pytest.mark.parametrize("nonsense", ["", "{", "[]", '{"text": 1}', b"\xff", '{"text": " "}'])
async def test_what_is_no_message_says_nothing(client, nonsense):
    async with client.websocket("/chat/lounge/ws?name=Ada") as ada:
        await ada.receive_json()
        await ada.send(nonsense)
        await ada.send_json({"text": "Still here"})

        assert (await ada.receive_json())["text"] == "Still here"


async def test_who_vanishes_has_left(client):
    async with client.websocket("/chat/lounge/ws?name=Ada") as ada:
        await ada.receive_json()
        async with client.websocket("/chat/lounge/ws?name=Bob") as bob:
            await ada.receive_json()
            await bob.disconnect()

        assert await ada.receive_json() == {"type": "leave", "name": "Bob"}


async def test_a_page_of_another_site_cannot_join(client):
    """Cross-site websocket hijacking: a websocket is not bound by the same-origin policy."""
    with pytest.raises(WebsocketResponseError, match="403"):
        async with client.websocket("/chat/a/ws", headers={"Origin": "http://evil.test"}):
            pass


async def test_the_lobby_leads_into_a_room(client):
    entered = await client.get("/chat/?room=Ada's+Room!&name=Ada", follow_redirects=True)

    assert entered.request.path == "/chat/ada-s-room"
    assert 'data-url="ws://localhost/chat/ada-s-room/ws?name=Ada"' in entered.text


async def test_the_lobby_shows_where_somebody_is(client):
    async with client.websocket("/chat/library/ws?name=Ada") as ada:
        await ada.receive_json()
        occupied = (await client.get("/chat/")).text

    assert "library (1)" in occupied
    assert "library" not in (await client.get("/chat/")).text


async def test_without_the_engine_the_browser_is_told_to_try_again_later(app, client):
    app.config.update(CHANNELS_URL="redis://127.0.0.1:1/0", CHANNELS_TIMEOUT=0.2)
    with pytest.raises(WebsocketDisconnect, match="1013"):
        async with client.websocket("/chat/lounge/ws?name=Ada") as ada:
            await ada.receive()


async def test_a_room_has_a_plain_name(client):
    assert (await client.get("/chat/Not%20a%20room")).status_code == 404


async def test_a_client_that_does_not_read_loses_the_oldest_messages_and_delays_no_other(app):
    app.config["CHANNELS_MAILBOX"] = 10
    async with app.app_context(), rooms.visit("lounge", "Slow") as slow:
        async with rooms.visit("lounge", "Quick") as quick:
            for number in range(30):
                await quick.say(str(number))
            kept = [(await anext(slow.messages)).json()["text"] for _ in range(10)]

        assert kept == [str(number) for number in range(20, 30)]
        assert await rooms.sizes() == {"lounge": 1}
    async with app.app_context():
        assert await rooms.sizes() == {}
