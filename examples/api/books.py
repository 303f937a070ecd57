"""The books: what a client may send and gets, and the views.

flask-smorest checks what is sent against a schema, before the view runs, and answers 422 with all
that is wrong. From the same schemas it makes ``/openapi.json``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import marshmallow as ma
from flask_smorest import Blueprint, abort
from flask_smorest.pagination import PaginationParameters
from marshmallow.validate import Length, OneOf, Range
from sqlalchemy import func, select

from asyncflask.flask.views import MethodView

from .db import session
from .models import Book

bp = Blueprint("books", __name__, url_prefix="/books", description="The books of the library")


class BookSchema(ma.Schema):
    """A book."""

    id = ma.fields.Integer(dump_only=True)
    title = ma.fields.String(required=True, validate=Length(1, 200))
    author = ma.fields.String(required=True, validate=Length(1, 100))
    year = ma.fields.Integer(required=True, validate=Range(1450, 2100))


class Query(ma.Schema):
    """Which books are listed, and in which order."""

    author = ma.fields.String()
    sort = ma.fields.String(load_default="title", validate=OneOf(["title", "author", "year"]))


@bp.route("/")
class Books(MethodView):
    """All books."""

    @bp.arguments(Query, location="query")
    @bp.response(200, BookSchema(many=True))
    @bp.paginate(page_size=20)
    async def get(
        self, query: dict[str, Any], pagination_parameters: PaginationParameters
    ) -> Sequence[Book]:
        """List books."""
        books = select(Book).order_by(query["sort"])
        if "author" in query:
            books = books.where(Book.author == query["author"])
        count = select(func.count()).select_from(books.subquery())
        pagination_parameters.item_count = await session().scalar(count)
        page = books.offset(pagination_parameters.first_item).limit(pagination_parameters.page_size)
        return (await session().scalars(page)).all()

    @bp.arguments(BookSchema)
    @bp.response(201, BookSchema)
    async def post(self, fields: dict[str, Any]) -> Book:
        """Add a book."""
        book = Book(**fields)
        session().add(book)
        await session().commit()
        return book


@bp.route("/<int:number>")
class OneBook(MethodView):
    """One book."""

    @bp.response(200, BookSchema)
    async def get(self, number: int) -> Book:
        """Show a book."""
        return await find(number)

    @bp.arguments(BookSchema(partial=True))
    @bp.response(200, BookSchema)
    async def patch(self, fields: dict[str, Any], number: int) -> Book:
        """Change a book."""
        book = await find(number)
        for name, value in fields.items():
            setattr(book, name, value)
        await session().commit()
        return book

    @bp.response(204)
    async def delete(self, number: int) -> None:
        """Delete a book."""
        await session().delete(await find(number))
        await session().commit()


async def find(number: int) -> Book:
    """Return a book, or answer 404."""
    book = await session().get(Book, number)
    return book or abort(404, message=f"There is no book {number}.")
