"""Members."""

from flask import Blueprint, abort, g, jsonify, request

from .auth import librarian_required, login_required
from .reading import json_object
from .store import store

bp = Blueprint("members", __name__)


@bp.get("/me")
@login_required
def me():
    return jsonify(g.member.as_dict())


@bp.patch("/me")
@login_required
def change_me():
    """Change the e-mail address."""
    data = json_object("email")
    if "@" not in data["email"]:
        abort(422, "no address")
    g.member.email = data["email"]
    return me()


@bp.get("/members/<int:number>")
@librarian_required
def show(number):
    return jsonify(store().member(number).as_dict())


@bp.put("/members/<int:number>/role")
@librarian_required
def role(number):
    wanted = request.json["librarian"]
    member = store().member(number)
    member.is_librarian = bool(wanted)
    return jsonify(member.as_dict())


@bp.post("/members/find")
def find():
    """Find members by several names."""
    names = {name.lower() for name in request.form.getlist("name")}
    found = [one.name for one in store().members.values() if one.name.lower() in names]
    return jsonify({"found": sorted(found), "asked": len(request.form)})
