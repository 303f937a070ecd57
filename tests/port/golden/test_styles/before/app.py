from flask import Flask, g, request, session


def create_app():
    app = Flask(__name__)
    app.config.update(SECRET_KEY="only for tests", TESTING=True)

    @app.before_request
    def load():
        g.user = session.get("user")

    @app.post("/login")
    def login():
        session["user"] = request.form["name"]
        return "", 204

    @app.get("/")
    def index():
        return g.user or "nobody"

    return app
