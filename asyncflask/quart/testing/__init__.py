"""Test an app without a server."""

from __future__ import annotations

from .app import TestApp as TestApp
from .cli import QuartCliRunner as QuartCliRunner
from .client import QuartClient as QuartClient
from .connections import WebsocketResponseError as WebsocketResponseError
from .utils import make_test_body_with_headers as make_test_body_with_headers
from .utils import (
    make_test_headers_path_and_query_string as make_test_headers_path_and_query_string,
)
from .utils import make_test_scope as make_test_scope
from .utils import no_op_push as no_op_push
from .utils import sentinel as sentinel
