"""The pages. All views but the one of the prices are Flask's ``def`` views."""

from __future__ import annotations

import asyncio
from time import perf_counter
from zlib import crc32

from flask_login import current_user, login_required, login_user, logout_user
from werkzeug.security import check_password_hash, generate_password_hash

from asyncflask.flask import Blueprint, current_app, flash, redirect, render_template, url_for
from asyncflask.flask.typing import ResponseReturnValue

from .forms import AccountForm, WishForm
from .models import User, Wish, db

bp = Blueprint("wishes", __name__, template_folder="templates")


@bp.route("/", methods=["GET", "POST"])
@login_required
def index() -> ResponseReturnValue:
    """Show the wishes, and add one."""
    form = WishForm()
    if form.validate_on_submit():
        current_user.wishes.append(Wish(text=form.text.data))
        db.session.commit()
        return redirect(url_for("wishes.index"))
    return render_template("wishes.html", form=form)


def wishes() -> list[str]:
    """Return the user's wishes, and give the connection back to the pool."""
    texts = [wish.text for wish in current_user.wishes]
    db.session.close()
    return texts


async def price(wish: str) -> float:
    """Ask another service for a price; here it is only a wait."""
    await asyncio.sleep(0.3)
    return (crc32(wish.encode()) % 10_000) / 100


@bp.get("/prices")
@login_required
async def prices() -> ResponseReturnValue:
    """Show what the wishes cost. All prices are asked for at once."""
    begin = perf_counter()
    texts = await current_app.ensure_async(wishes)()  # A query blocks: in the request's thread.
    found = await asyncio.gather(*map(price, texts))
    seconds = perf_counter() - begin
    rows = list(zip(texts, found, strict=True))
    return render_template("prices.html", rows=rows, total=sum(found), seconds=seconds)


@bp.route("/login", methods=["GET", "POST"])
def log_in() -> ResponseReturnValue:
    """Log in, or register, by the two buttons of one form."""
    form = AccountForm()
    if form.validate_on_submit():
        user = db.session.scalar(db.select(User).filter_by(name=form.name.data))
        if form.register.data and user is None:
            user = User(name=form.name.data, password=generate_password_hash(form.password.data))
            db.session.add(user)
            db.session.commit()
        elif form.register.data:
            flash("The name is taken.", "error")
            user = None
        elif user is None or not check_password_hash(user.password, form.password.data):
            flash("Name or password is wrong.", "error")
            user = None
        if user is not None:
            login_user(user)
            return redirect(url_for("wishes.index"))
    return render_template("login.html", form=form)


@bp.post("/logout")
@login_required
def log_out() -> ResponseReturnValue:
    """Log out."""
    logout_user()
    return redirect(url_for("wishes.log_in"))
