import functools
from pathlib import Path

from flask import Blueprint, abort, render_template, request

from . import reading
from .reading import greeting, page_number, store, wanted_name as name_of

bp = Blueprint("pages", __name__)
FOLDER = Path("uploads")


def guarded(view):
    """Refuse visitors without a token."""

    @functools.wraps(view)
    def inner(*args, **kwargs):
        if "token" not in request.args:
            abort(401)
        return view(*args, **kwargs)

    return inner


@bp.before_request
def remember():
    request.started = True  # no body


@bp.route("/greet", methods=["GET", "POST"])
@guarded
def greet():
    if request.method == "GET":
        return render_template("greet.html", page=page_number())
    # The greeting has the name.
    return render_template(
        "greet.html",
        text=greeting(),  # from the form
        name=name_of(),
    )


@bp.post("/names")
def names():
    return {"names": reading.wanted_names(upper=True), "n": len(request.data)}


@bp.post("/upload")
def upload():
    photo = request.files["photo"]
    photo.save(FOLDER / "photo")
    for file in request.files.getlist("more"):
        file.save(FOLDER / file.filename)
    request.files["last"].save("last"); store(request.files["store"], FOLDER)
    return "", 204


@bp.post("/values")
def values():
    if not (form := request.form) or "x" not in request.form:
        return {}
    return {**reading.fields(request), **form}


@bp.post("/later")
def later():
    read = lambda: request.form["later"]  # noqa: E731
    return read()


@bp.post("/stream")
def stream():
    def lines():
        yield request.form["line"]

    return lines()


@bp.get("/plain")
def plain():
    return render_template("plain.html")
