"""A shop."""

from flask import Flask

from . import api, forms, pages


def create_app():
    app = Flask(__name__)
    app.register_blueprint(pages.bp)
    api.init_app(app)
    app.add_url_rule("/contact", view_func=forms.contact, methods=["POST"])
    app.register_error_handler(400, forms.bad_request)
    return app
