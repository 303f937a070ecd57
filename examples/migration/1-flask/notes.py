"""Notes, as a Flask app."""

import sqlite3
import time

from flask import Flask, abort, flash, g, redirect, render_template, request

app = Flask(__name__, template_folder="../templates")
app.config.from_mapping(SECRET_KEY="for this example", DATABASE="notes.sqlite")
app.config.from_prefixed_env("NOTES")


def db():
    if "db" not in g:
        g.db = sqlite3.connect(app.config["DATABASE"])
        g.db.execute("create table if not exists note (id integer primary key, text text)")
    return g.db


@app.teardown_appcontext
def close(error):
    if "db" in g:
        g.pop("db").close()


def notes():
    rows = db().execute("select id, text from note order by id desc")
    return [{"id": number, "text": text} for number, text in rows]


@app.get("/")
def index():
    return render_template("notes.html", notes=notes())


@app.get("/notes")
def list_notes():
    return notes()


@app.post("/notes")
def add():
    text = request.form["text"].strip()
    if not text:
        abort(422, "A note needs a text.")
    with db():
        db().execute("insert into note (text) values (?)", [text])
    flash("Added.")
    return redirect("/")


def ask(service):
    time.sleep(0.2)  # for a slow request to another service
    return f"{service} says: sun"


@app.get("/weather")
def weather():
    return [ask(service) for service in ("Here", "There", "Elsewhere")]
