from flask import request
from flask_wtf import FlaskForm
from wtforms import StringField


class ContactForm(FlaskForm):
    name = StringField()

    def validate_name(self, field):
        return request.form["name"] == field.data


def contact():
    form = ContactForm()
    return form.name.data + request.form["text"]


def bad_request(error):
    return {"got": request.data.decode()}, 400
