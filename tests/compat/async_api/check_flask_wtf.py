"""Flask-WTF on the async API, with ``async def`` views.

Await the body before you create a form: ``await request.data`` in the view, or once in an ``async def``
``before_request`` function. ``CSRFProtect`` and ``def`` views work as on Flask.
"""

from io import BytesIO

import pytest
from flask_wtf import CSRFProtect, FlaskForm
from flask_wtf.csrf import generate_csrf
from flask_wtf.file import FileField, FileRequired
from wtforms import StringField
from wtforms.validators import DataRequired

from asyncflask import Flask, render_template_string, request


class NameForm(FlaskForm):
    name = StringField(validators=[DataRequired()])


class PhotoForm(FlaskForm):
    photo = FileField(validators=[FileRequired()])


@pytest.fixture
def app():
    app = Flask(__name__)
    app.secret_key = "only here"
    app.config["WTF_CSRF_ENABLED"] = False
    return app


def name_view(app):
    @app.route("/", methods=["GET", "POST"])
    async def view():
        await request.data
        form = NameForm()
        if form.validate_on_submit():
            return f"Hello {form.name.data}"
        return render_template_string("{{ form.csrf_token }}{{ form.name }}", form=form)

    return app.test_client()


async def test_a_form_is_validated_after_the_body_was_awaited(app):
    client = name_view(app)

    assert (await client.post("/", data={"name": "ada"})).text == "Hello ada"


async def test_an_incomplete_form_is_shown_again(app):
    assert "<input" in (await name_view(app).post("/", data={})).text


async def test_a_form_is_rendered(app):
    assert "<input" in (await name_view(app).get("/")).text


async def test_an_upload_is_validated(app):
    @app.post("/")
    async def view():
        await request.data
        form = PhotoForm()
        return f"{form.validate_on_submit()} {form.photo.data.read().decode()}"

    data = {"photo": (BytesIO(b"tea"), "tea.png")}

    assert (await app.test_client().post("/", data=data)).text == "True tea"


async def test_without_the_await_the_error_says_what_to_write(app):
    @app.post("/")
    async def view():
        return NameForm().name.data

    app.testing = True
    with pytest.raises(RuntimeError, match=r"await asyncflask\.request\.data"):
        await app.test_client().post("/", data={"name": "ada"})


async def test_a_hook_receives_each_body(app):
    @app.before_request
    async def receive_body():
        await request.data

    @app.post("/")
    async def view():
        return NameForm().name.data

    assert (await app.test_client().post("/", data={"name": "ada"})).text == "ada"


async def test_a_def_view_needs_no_await(app):
    app.post("/", endpoint="view")(lambda: NameForm().name.data)

    assert (await app.test_client().post("/", data={"name": "ada"})).text == "ada"


async def test_the_token_of_a_form_is_checked(app):
    app.config["WTF_CSRF_ENABLED"] = True

    @app.get("/token")
    async def token():
        return generate_csrf()

    client = name_view(app)
    token = (await client.get("/token")).text
    refused = await client.post("/", data={"name": "ada"})
    accepted = await client.post("/", data={"name": "ada", "csrf_token": token})

    assert ("Hello" in refused.text, accepted.text) == (False, "Hello ada")


async def test_csrf_protect_guards_all_views_and_leaves_the_form_to_them(app):
    app.config["WTF_CSRF_ENABLED"] = True
    CSRFProtect(app)

    @app.get("/token")
    async def token():
        return generate_csrf()

    @app.post("/")
    async def view():  # The hook has read the form.
        return NameForm().name.data

    client = app.test_client()
    token = (await client.get("/token")).text
    refused = await client.post("/", data={"name": "ada"})
    in_form = await client.post("/", data={"name": "ada", "csrf_token": token})
    in_header = await client.post("/", data={"name": "eve"}, headers={"X-CSRFToken": token})

    assert (refused.status_code, in_form.text, in_header.text) == (400, "ada", "eve")
