"""Accounts."""

import functools
import hashlib

from flask import (
    Blueprint,
    abort,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)

from .reading import field
from .store import store

bp = Blueprint("auth", __name__, url_prefix="/auth")


def digest(password):
    return hashlib.sha256(password.encode()).hexdigest()


@bp.before_app_request
def load_member():
    """Find the member who is logged in."""
    number = session.get("member")
    g.member = store().members.get(number)


def login_required(view):
    """Send visitors to the log-in page."""

    @functools.wraps(view)
    def wrapped(**values):
        if g.member is None:
            return redirect(url_for("auth.login"))
        return view(**values)

    return wrapped


def librarian_required(view):
    """Refuse members who are not librarians."""

    @login_required
    @functools.wraps(view)
    def wrapped(**values):
        if not g.member.is_librarian:
            abort(403)
        return view(**values)

    return wrapped


def marked(name, value="yes"):
    """Add a header to what a view returns."""

    def decorator(view):
        @functools.wraps(view)
        def wrapped(*args, **kwargs):
            from flask import make_response

            response = make_response(view(*args, **kwargs))
            response.headers[name] = value
            return response

        return wrapped

    return decorator


@bp.route("/register", methods=["GET", "POST"])
@marked("X-Form", "register")
def register():
    """Make an account."""
    if request.method == "POST":
        name = field("name")
        try:
            store().add_member(name, digest(field("password")), email=field("email", ""))
        except ValueError as problem:
            flash(str(problem))
        else:
            return redirect(url_for("auth.login"))
    # The page shows what was entered.
    return render_template("register.html")


@bp.route("/login", methods=("GET", "POST"))
def login():
    if request.method == "POST":
        member = store().member_named(request.form["name"])
        if member is None or member.password != digest(request.form["password"]):
            flash("Name or password is wrong.")
        else:
            session.clear()
            session["member"] = member.number
            return redirect(url_for("books.index"))
    return render_template("login.html")


@bp.post("/logout")
@login_required
def logout():
    session.clear()
    return redirect(url_for("books.index"))


@bp.route("/password", methods=["POST"])
@login_required
def change_password():
    old, new = request.form["old"], request.form["new"]
    if g.member.password != digest(old):
        abort(403)
    g.member.password = digest(new)
    return "", 204
