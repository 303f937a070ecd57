"""Reports, which are streamed."""

import csv
import io

from flask import Blueprint, Response, request, stream_with_context

from .auth import librarian_required
from .store import store

bp = Blueprint("reports", __name__, url_prefix="/reports")


def rows():
    yield ["title", "author"]
    for book in store().books.values():
        yield [book.title, book.author]


@bp.get("/books.csv")
@librarian_required
def books():
    @stream_with_context
    def lines():
        for row in rows():
            text = io.StringIO()
            csv.writer(text).writerow(row)
            yield text.getvalue()

    return Response(lines(), mimetype="text/csv")


@bp.post("/echo")
def echo():
    """Stream the lines of the form back."""

    def lines():
        for line in request.form.getlist("line"):
            yield line + "\n"

    return Response(stream_with_context(lines()), mimetype="text/plain")


@bp.post("/sum")
def total():
    numbers = request.form.getlist("n", type=float)
    key = lambda number: -number  # noqa: E731
    return {"sum": sum(numbers), "largest": sorted(numbers, key=key)[:2]}
