"""Lending and returning."""

from flask import Blueprint, current_app, g, jsonify, request

from .auth import login_required
from .store import store

bp = Blueprint("loans", __name__, url_prefix="/loans")


@bp.get("/")
@login_required
def mine():
    return jsonify([loan.as_dict() for loan in store().loans_of(g.member.number)])


@bp.post("/<int:book>")
@login_required
def lend(book):
    store().book(book)
    days = wanted_days() or current_app.config["LOAN_DAYS"]
    try:
        loan = store().lend(book, g.member.number, days)
    except ValueError as problem:
        return jsonify(error=str(problem)), 409
    return jsonify(loan.as_dict()), 201


def wanted_days():
    """Return how long the book is wanted, from JSON or a form; `0`: not said."""
    if request.is_json:
        return int((request.get_json() or {}).get("days", 0))
    return int(request.form.get("days", 0))


@bp.delete("/<int:book>")
@login_required
def give_back(book):
    try:
        loan = store().give_back(book)
    except ValueError as problem:
        return jsonify(error=str(problem)), 409
    return jsonify(loan.as_dict())


@bp.post("/")
@login_required
def lend_many():
    """Lend several books; those that are lent are named."""
    numbers = request.get_json()["books"]
    lent, refused = [], []
    for number in numbers:
        target = refused if store().loan_of(number) else lent
        if target is lent:
            store().lend(number, g.member.number, current_app.config["LOAN_DAYS"])
        target.append(number)
    return jsonify(lent=lent, refused=refused)
