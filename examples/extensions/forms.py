"""The forms."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField, SubmitField
from wtforms.validators import InputRequired, Length


class AccountForm(FlaskForm):
    """A name and a password: of an account that exists, or of a new one."""

    name = StringField("Name", [InputRequired(), Length(1, 30)])
    password = PasswordField("Password", [InputRequired(), Length(min=8)])
    log_in = SubmitField("Log in")
    register = SubmitField("Register")


class WishForm(FlaskForm):
    """A wish."""

    text = StringField("What would you like to have?", [InputRequired(), Length(1, 100)])
    add = SubmitField("Add")
