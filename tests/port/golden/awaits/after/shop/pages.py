import functools
from pathlib import Path

from asyncflask import Blueprint, abort, render_template, request, current_app

from . import reading
from .reading import greeting, page_number, store, wanted_name as name_of

bp = Blueprint("pages", __name__)
FOLDER = Path("uploads")


def guarded(view):
    """Refuse visitors without a token."""

    @functools.wraps(view)
    async def inner(*args, **kwargs):
        if "token" not in request.args:
            abort(401)
        return await current_app.ensure_async(view)(*args, **kwargs)

    return inner


@bp.before_request
def remember():
    request.started = True  # no body


@bp.route("/greet", methods=["GET", "POST"])
@guarded
async def greet():
    if request.method == "GET":
        return await current_app.ensure_async(render_template)("greet.html", page=page_number())
    # The greeting has the name.
    return await current_app.ensure_async(render_template)(
        "greet.html",
        text=await greeting(),  # from the form
        name=await name_of(),
    )


@bp.post("/names")
async def names():
    return {"names": await reading.wanted_names(upper=True), "n": len(await request.data)}


@bp.post("/upload")
async def upload():
    photo = (await request.files)["photo"]
    await photo.save(FOLDER / "photo")
    for file in (await request.files).getlist("more"):
        await file.save(FOLDER / file.filename)
    await (await request.files)["last"].save("last"); await store((await request.files)["store"], FOLDER)
    return "", 204


@bp.post("/values")
async def values():
    if not (form := await request.form) or "x" not in await request.form:
        return {}
    return {**await reading.fields(request), **form}


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
