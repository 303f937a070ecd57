import threading

from flask import *
from forms import *

app = Flask(__name__)


@app.post("/sorted")
def ordered():
    return ",".join(sorted(request.form, key=order))  # calls it


@app.post("/field")
def one_field():
    return field("a")


@app.post("/already")
async def already():
    return request.form["a"]


@app.post("/thread")
def in_thread():
    form = request.form
    thread = threading.Thread(target=print, args=(form["a"],))
    thread.start()
    thread.join()
    return ""


@app.context_processor
def add_form():
    return {"form": request.form}
