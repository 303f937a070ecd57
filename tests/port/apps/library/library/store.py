"""The data, in memory."""

import datetime
import itertools
import threading
from dataclasses import asdict, dataclass, field

from flask import current_app


class NotThere(LookupError):
    """There is no such thing."""


@dataclass
class Book:
    number: int
    title: str
    author: str
    year: int = 0
    tags: list = field(default_factory=list)
    cover: str = ""

    def as_dict(self):
        return asdict(self)


@dataclass
class Member:
    number: int
    name: str
    password: str
    is_librarian: bool = False
    email: str = ""

    def as_dict(self):
        known = asdict(self)
        del known["password"]
        return known


@dataclass
class Loan:
    number: int
    book: int
    member: int
    until: datetime.date
    returned: bool = False

    def as_dict(self):
        return {**asdict(self), "until": self.until.isoformat()}


class Store:
    """Books, members and loans."""

    def __init__(self):
        self.books = {}
        self.members = {}
        self.loans = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def next_number(self):
        with self._lock:
            return next(self._numbers)

    # -- books

    def add_book(self, title, author, year=0, tags=()):
        book = Book(self.next_number(), title, author, year, list(tags))
        self.books[book.number] = book
        return book

    def book(self, number):
        try:
            return self.books[number]
        except KeyError:
            raise NotThere(f"book {number}") from None

    def remove_book(self, number):
        self.book(number)
        del self.books[number]

    def search(self, text):
        text = text.lower()
        return [
            book
            for book in self.books.values()
            if text in book.title.lower() or text in book.author.lower() or text in book.tags
        ]

    # -- members

    def add_member(self, name, password, is_librarian=False, email=""):
        if self.member_named(name) is not None:
            raise ValueError(f"The name {name} is taken.")
        member = Member(self.next_number(), name, password, is_librarian, email)
        self.members[member.number] = member
        return member

    def member_named(self, name):
        return next((one for one in self.members.values() if one.name == name), None)

    def member(self, number):
        try:
            return self.members[number]
        except KeyError:
            raise NotThere(f"member {number}") from None

    # -- loans

    def lend(self, book, member, days):
        if self.loan_of(book) is not None:
            raise ValueError("The book is lent.")
        until = datetime.date(2024, 1, 1) + datetime.timedelta(days=days)
        loan = Loan(self.next_number(), book, member, until)
        self.loans[loan.number] = loan
        return loan

    def loan_of(self, book):
        loans = (one for one in self.loans.values() if one.book == book and not one.returned)
        return next(loans, None)

    def loans_of(self, member):
        return [one for one in self.loans.values() if one.member == member and not one.returned]

    def give_back(self, book):
        loan = self.loan_of(book)
        if loan is None:
            raise ValueError("The book is not lent.")
        loan.returned = True
        return loan


def store():
    """Return the data of the current app."""
    return current_app.extensions["library"]
