"""Forms and uploads."""

import tempfile
from io import BytesIO
from pathlib import Path

from quart import Quart, request
from quart.datastructures import FileStorage

from .recorded import body, shown


def create_app():
    app = Quart(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 5000

    @app.post("/files")
    async def files():
        found = []
        for name, file in (await request.files).items(multi=True):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "saved"
                await file.save(path)
                content = path.read_text()
            found.append([name, file.filename, file.content_type, content])
        return {"files": found, "form": (await request.form).to_dict(flat=False)}

    @app.post("/form")
    async def form():
        fields = await request.form
        return {
            "all": fields.to_dict(flat=False),
            "values": (await request.values).to_dict(flat=False),
            "number": fields.get("number", 0, type=int),
            "files": len(await request.files),
            "type": request.mimetype,
            "length": request.content_length,
        }

    @app.post("/missing")
    async def missing():
        return (await request.form)["name"]

    @app.post("/data")
    async def data():
        return await request.get_data()

    @app.post("/text")
    async def text():
        return {"text": await request.get_data(as_text=True), "again": len(await request.data)}

    return app


async def answers(app):
    client = app.test_client()
    upload = {
        "one": FileStorage(BytesIO(b"tea"), filename="tea.txt", content_type="text/plain"),
        "two": FileStorage(BytesIO(b"{}"), filename="a b.json", content_type="application/json"),
    }
    yield "files", await shown(await client.post("/files", files=upload, form={"owner": "ada"}))
    yield "form", await shown(await client.post("/form?q=1", form={"a": "b c", "number": "7"}))
    yield "no body", await shown(await client.post("/form"))
    yield "a field that is missing", await body(await client.post("/missing", form={"a": "b"}))
    yield "data", await shown(await client.post("/data", data=b"\x00raw"))
    yield "text", await body(await client.post("/text", data="gr\xfcn".encode()))
    yield "too large", await body(await client.post("/data", data=b"x" * 5001))
    yield "a form that is too large", await body(await client.post("/form", form={"a": "x" * 6000}))
    yield "just not", await body(await client.post("/data", data=b"x" * 5000))
