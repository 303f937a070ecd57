"""Calls of other servers, which sign the body."""

import hashlib
import hmac

from flask import Blueprint, abort, current_app, request

from .store import store

bp = Blueprint("webhooks", __name__)


def signed_body():
    """Return the body, if its signature is right."""
    body = request.get_data()
    expected = hmac.new(current_app.config["WEBHOOK_KEY"], body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(request.headers.get("X-Signature", ""), expected):
        abort(403)
    return body


@bp.post("/hook")
def hook():
    signed_body()
    event = request.get_json()
    if event["kind"] == "book":
        store().add_book(event["title"], "hook")
    return {"kind": event["kind"]}


@bp.post("/hook/raw")
def raw():
    return signed_body()[::-1]
