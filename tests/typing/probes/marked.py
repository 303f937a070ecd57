"""Uses without `await` of what has to be awaited: marked as deprecated on the lines that end so."""

from asyncflask import flask, request, websocket


def show(*values: object) -> None: ...


async def view() -> str:
    for message in websocket:  # deprecated
        show(message)
    form = request.form
    show(form.get("name"), form.getlist("name"))  # deprecated
    show(request.get_data().decode())  # deprecated
    show(request.get_json()["name"])  # deprecated
    show(request.stream.read())  # deprecated
    show(request.args["name"], (await request.form)["name"])
    return form["name"]  # deprecated


def def_view() -> str:
    return flask.request.form["name"]
