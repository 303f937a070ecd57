"""Flask-Mail on the async API, with ``async def`` views.

``mail.send()`` waits for the SMTP server. In an ``async def`` view write
``await current_app.ensure_async(mail.send)(message)``, or ``current_app.add_background_task(mail.send, message)``.
"""

import pytest
from flask_mail import Mail, Message, email_dispatched

from asyncflask import Flask, current_app, render_template_string


@pytest.fixture
def app():
    app = Flask(__name__)
    app.config["MAIL_DEFAULT_SENDER"] = "shop@shop.example"
    app.testing = True
    return app


@pytest.fixture
def mail(app):
    return Mail(app)


def message(**options):
    return Message("Hello", recipients=["ada@shop.example"], **options)


async def test_a_message_is_sent_in_the_requests_thread(app, mail):
    @app.get("/")
    async def view():
        await current_app.ensure_async(mail.send)(message(body="tea"))
        return "sent"

    with mail.record_messages() as outbox:
        await app.test_client().get("/")

    assert [(m.subject, m.body, m.sender) for m in outbox] == [
        ("Hello", "tea", "shop@shop.example")
    ]


async def test_several_over_one_connection(app, mail):
    def send_all():
        with mail.connect() as connection:
            for body in ("tea", "cake"):
                connection.send(message(body=body))

    @app.get("/")
    async def view():
        await current_app.ensure_async(send_all)()
        return "sent"

    with mail.record_messages() as outbox:
        await app.test_client().get("/")

    assert [m.body for m in outbox] == ["tea", "cake"]


async def test_a_background_task_sends(app, mail):
    @app.get("/")
    async def view():
        current_app.add_background_task(mail.send, message(body="later"))
        return "soon"

    with mail.record_messages() as outbox:
        async with app.test_app() as running:
            await running.test_client().get("/")

    assert [m.body for m in outbox] == ["later"]


async def test_a_rendered_body_with_an_attachment(app, mail):
    @app.get("/")
    async def view():
        made = message(html=render_template_string("<b>{{ name }}</b>", name="Ada"))
        made.attach("tea.txt", "text/plain", "Earl Grey")
        await current_app.ensure_async(mail.send)(made)
        return "sent"

    with mail.record_messages() as outbox:
        await app.test_client().get("/")

    assert (outbox[0].html, outbox[0].attachments[0].filename) == ("<b>Ada</b>", "tea.txt")


async def test_the_signal_is_sent(app, mail):
    seen = []

    def receiver(app, message):
        seen.append((message.subject, app.name))

    @app.get("/")
    async def view():
        await current_app.ensure_async(mail.send)(message(body="tea"))
        return "sent"

    with email_dispatched.connected_to(receiver):
        await app.test_client().get("/")

    assert seen == [("Hello", app.name)]
