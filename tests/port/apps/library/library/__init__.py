"""A lending library: the app that the tests of `asyncflask port` port.

Members borrow books; librarians keep the catalogue. Data live in memory, the audit log in SQLite.
"""

from flask import Flask, jsonify

from . import admin, api, audit, auth, books, cli, errors, hooks, loans, members, reports, webhooks
from .store import Store


def create_app(config=None):
    """Make the app."""
    app = Flask(__name__)
    app.config.from_mapping(
        SECRET_KEY="only for tests",
        LOAN_DAYS=14,
        WEBHOOK_KEY=b"only for tests",
        COVERS=None,
    )
    app.config.update(config or {})
    app.extensions["library"] = Store()
    hooks.init_app(app)
    errors.init_app(app)
    audit.init_app(app)
    cli.init_app(app)
    for module in (auth, books, members, loans, reports, webhooks):
        app.register_blueprint(module.bp)
    api.init_app(app)
    admin.init_app(app)

    @app.route("/health")
    def health():
        return jsonify(status="ok")

    return app
