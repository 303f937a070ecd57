"""Pages for librarians, registered without decorators of routes."""

import time

from flask import jsonify, request

from .audit import entries, note
from .auth import librarian_required
from .store import store


@librarian_required
def log():
    note("log read")
    return jsonify(entries())


@librarian_required
def tidy():
    """Tidy up; it takes a moment."""
    time.sleep(0.01)
    wanted = request.form.get("tag")
    removed = [number for number, book in store().books.items() if wanted in book.tags]
    for number in removed:
        store().remove_book(number)
    return jsonify(removed=removed)


@librarian_required
def rename():
    """Give each book with a title another one."""
    old, new = request.form["old"], request.form["new"]
    renamed = [book for book in store().books.values() if book.title == old]
    for book in renamed:
        book.title = new
    return jsonify(renamed=len(renamed))


def init_app(app):
    app.add_url_rule("/admin/log", "log", log)
    app.add_url_rule("/admin/tidy", view_func=tidy, methods=["POST"])
    app.add_url_rule("/admin/rename", view_func=rename, methods=["POST"])
