"""Signals."""

from __future__ import annotations

from ..signals import appcontext_popped as appcontext_popped
from ..signals import appcontext_pushed as appcontext_pushed
from ..signals import appcontext_tearing_down as appcontext_tearing_down
from ..signals import before_render_template as before_render_template
from ..signals import got_background_exception as got_background_exception
from ..signals import got_request_exception as got_request_exception
from ..signals import got_serving_exception as got_serving_exception
from ..signals import got_websocket_exception as got_websocket_exception
from ..signals import message_flashed as message_flashed
from ..signals import request_finished as request_finished
from ..signals import request_started as request_started
from ..signals import request_tearing_down as request_tearing_down
from ..signals import template_rendered as template_rendered
from ..signals import websocket_finished as websocket_finished
from ..signals import websocket_received as websocket_received
from ..signals import websocket_sent as websocket_sent
from ..signals import websocket_started as websocket_started
from ..signals import websocket_tearing_down as websocket_tearing_down

#: always: blinker is installed with asyncflask
signals_available = True
