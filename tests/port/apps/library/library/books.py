"""The catalogue."""

from pathlib import Path

from flask import Blueprint, abort, current_app, jsonify, redirect, render_template, request
from flask import send_from_directory, url_for
from werkzeug.utils import secure_filename

from . import reading
from .audit import note
from .auth import librarian_required
from .reading import book_fields, page as page_number, wants_json
from .store import store

bp = Blueprint("books", __name__, url_prefix="/books")
PAGE = 3


@bp.get("/")
def index():
    """Show a page of the catalogue."""
    books = sorted(store().books.values(), key=lambda book: book.title)
    first = (page_number() - 1) * PAGE
    shown = books[first : first + PAGE]
    if wants_json():
        return jsonify(books=[book.as_dict() for book in shown], total=len(books))
    return render_template("books.html", books=shown)


@bp.post("/")
@librarian_required
def add():
    """Add a book."""
    book = store().add_book(**book_fields())
    return redirect(url_for("books.show", number=book.number))


@bp.get("/<int:number>")
def show(number):
    book = store().book(number)
    lent = store().loan_of(number) is not None
    return render_template("book.html", book=book, lent=lent)


@bp.route("/<int:number>/edit", methods=["GET", "POST"])
@librarian_required
def edit(number):
    """Change a book; the form shows what was entered."""
    book = store().book(number)
    if request.method == "GET":
        return render_template("edit.html", book=book)
    if len(request.form.get("title", "")) > 50:
        return render_template("edit.html", book=book), 422
    for name, value in book_fields().items():
        setattr(book, name, value)
    return redirect(url_for(".show", number=number))


@bp.post("/<int:number>/delete")
@librarian_required
def delete(number):
    """Remove a book; the audit log is in SQLite, which blocks."""
    reason = request.form.get("reason", "none")
    store().remove_book(number)
    note(f"removed {number}: {reason}")
    return "", 204


@bp.post("/<int:number>/cover")
@librarian_required
def cover(number):
    """Store a picture."""
    book = store().book(number)
    picture = request.files.get("picture")
    if picture is None or not picture.filename:
        abort(422)
    name = f"{number}-{secure_filename(picture.filename)}"
    picture.save(Path(current_app.config["COVERS"]) / name)
    book.cover = name
    return jsonify(cover=name)


@bp.post("/covers")
@librarian_required
def covers():
    """Store several pictures: the field's name is the book's number."""
    stored = []
    for key, picture in request.files.items():
        keep(picture, f"{int(key)}.png")
        store().book(int(key)).cover = f"{int(key)}.png"
        stored.append(int(key))
    return jsonify(stored=sorted(stored))


def keep(upload, name):
    """Save an upload into the folder of covers."""
    upload.save(Path(current_app.config["COVERS"]) / name)


@bp.get("/<int:number>/cover")
def get_cover(number):
    name = store().book(number).cover or abort(404)
    return send_from_directory(current_app.config["COVERS"], name)


@bp.route("/search", methods=["GET", "POST"])
def search():
    """Search by the query or by a form."""
    reader = reading.Reader(request)
    text = reader.read("q")
    return jsonify([book.title for book in store().search(text)])


@bp.post("/labels")
def labels():
    """Return labels in capitals; all fields are needed."""
    upper = reading.UpperReader(request, prefix="label_")
    strict = reading.StrictReader(request)
    return jsonify(**upper.all("title", "author"), shelf=strict.read("shelf"))


@bp.post("/import")
@librarian_required
def load():
    """Add many books, one a line."""
    lines = request.get_data(as_text=True).splitlines()
    numbers = []
    for line in lines:
        title, _, author = (part.strip() for part in line.partition(";"))
        numbers.append(store().add_book(title, author or "unknown").number)
    return jsonify(numbers=numbers, bytes=len(request.data))
