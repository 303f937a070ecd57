"""``python -m examples``: serve the example app on this machine."""

from __future__ import annotations

import argparse

from . import create_app

parser = argparse.ArgumentParser(prog="python -m examples", description="A blog and a chat.")
parser.add_argument("--host", default="127.0.0.1", help="address to listen at (%(default)s)")
parser.add_argument("--port", default=5000, type=int, help="port to listen at (%(default)s)")
parser.add_argument("--instance", help="folder for database, pictures and key (instance/)")
parser.add_argument("--debug", action="store_true", help="reload at changes, show tracebacks")

if __name__ == "__main__":
    options = parser.parse_args()
    app = create_app(instance_path=options.instance)
    app.run(host=options.host, port=options.port, debug=options.debug or None)
