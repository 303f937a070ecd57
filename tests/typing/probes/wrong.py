"""What type checkers refuse. A line with an error names its rules: `# E: mypy's, pyright's`."""

import asyncflask.flask
import asyncflask.quart
from asyncflask import Blueprint, Flask, Request, Response, request

app = Flask(__name__)
facade = asyncflask.flask.Flask(__name__)
pages = Blueprint("pages", __name__)


@app.before_request  # E: type-var, reportArgumentType
def before_with_an_argument(number: int) -> None: ...


@facade.before_request  # E: type-var, reportArgumentType
def facade_before_with_an_argument(number: int) -> None: ...


@pages.before_request  # E: type-var, reportArgumentType
def answer_that_is_none_of_a_view() -> int:
    return 403


@app.after_request  # E: type-var, reportArgumentType
def after_without_the_response() -> None: ...


@app.after_request  # E: type-var, reportArgumentType
def after_without_a_result(response: Response) -> None: ...


@app.errorhandler(404)  # E: type-var, reportArgumentType
def handler_without_the_error() -> str:
    return "nothing"


@app.teardown_request  # E: type-var, reportArgumentType
async def teardown_without_the_error() -> None: ...


@app.get("/")  # E: type-var, reportArgumentType
def view_of_an_object() -> object:
    return object()


@pages.get("/")  # E: type-var, reportArgumentType
async def view_without_a_result() -> None: ...


@app.websocket("/")  # E: type-var, reportArgumentType
async def websocket_view_of_a_number() -> int:
    return 1


@app.post("/form")
def checked_to_its_end() -> str:
    name = request.form["name"]
    return name.upper(1)  # E: call-arg, reportCallIssue


async def of_a_parameter(request: Request) -> str:
    name: str = request.form["name"]  # E: index, reportIndexIssue
    return name


async def awaited() -> str:
    data = await request.get_data()
    return data.upper()  # E: return-value, reportReturnType


app.logger.inform("misspelt")  # E: attr-defined, reportAttributeAccessIssue
app.add_background_task(of_a_parameter, 1)  # E: arg-type, reportArgumentType
app.test_client().set_cookie("shop.test", "k", "v", "60")  # E: call-overload, reportArgumentType


async def a_method_that_not_every_message_of_quart_has() -> None:
    message = await asyncflask.quart.websocket.receive()
    message.decode()  # E: union-attr, reportAttributeAccessIssue
