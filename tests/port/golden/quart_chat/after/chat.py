"""A chat on Quart."""

from pathlib import Path

from asyncflask import (
    Blueprint,
    Flask,
    abort,
    current_app,
    flash,
    g,
    jsonify,
    make_response,
    redirect,
    render_template_string,
    request,
    send_file,
    session,
    url_for,
    websocket,
)
from asyncflask import run_sync

bp = Blueprint("chat", __name__)
PAGE = "{% for text in texts %}<p>{{ text }}</p>{% endfor %}{{ name }}"


def texts():
    return current_app.extensions["texts"]


async def wanted(name, limit=20):
    form = await request.form
    if name not in form:
        abort(400)
    return form[name][:limit]


@bp.before_app_request
async def load():
    g.name = session.get("name")


@bp.get("/")
async def index():
    return render_template_string(PAGE, texts=texts(), name=g.name)


@bp.post("/login")
async def login():
    session["name"] = await wanted("name")
    flash("Welcome.")
    response = make_response(redirect(url_for("chat.index")))
    response.headers["X-Length"] = str(len(response.get_data()))
    return response


@bp.post("/say")
async def say():
    data = await request.get_json()
    texts().append(await run_sync(str.upper)(data["text"]))
    return jsonify(n=len(texts()), raw=len(await request.get_data())), 201


@bp.get("/source")
async def source():
    return send_file(Path(__file__), as_attachment=True, download_name="chat.txt")


@bp.websocket("/live")
async def live():
    while True:
        text = await websocket.receive()
        await websocket.send_json({"text": text, "name": session.get("name")})


@bp.app_errorhandler(400)
async def bad(error):
    return render_template_string("Bad: {{ name }}", name=g.name), 400


def create_app():
    app = Flask(__name__)
    app.secret_key = "only for tests"
    app.extensions["texts"] = []
    app.register_blueprint(bp)

    @app.after_request
    async def count(response):
        if response.is_json:
            data = response.get_json()
            response.headers["X-Keys"] = ",".join(sorted(data))
        return response

    return app
