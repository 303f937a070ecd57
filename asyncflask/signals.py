"""Flask's and Quart's signals. The dispatcher sends them (``dispatch/``).

A receiver may be ``def`` or ``async def``; it gets the app as its first argument, as in Flask.
Signals without receivers cost nothing: senders read ``signal.receivers`` first.
"""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

# Flask: flask.signals
template_rendered = _signals.signal("template-rendered")
before_render_template = _signals.signal("before-render-template")
request_started = _signals.signal("request-started")
request_finished = _signals.signal("request-finished")
request_tearing_down = _signals.signal("request-tearing-down")
got_request_exception = _signals.signal("got-request-exception")
appcontext_tearing_down = _signals.signal("appcontext-tearing-down")
appcontext_pushed = _signals.signal("appcontext-pushed")
appcontext_popped = _signals.signal("appcontext-popped")
message_flashed = _signals.signal("message-flashed")

# Quart: quart.signals
websocket_started = _signals.signal("websocket-started")
websocket_finished = _signals.signal("websocket-finished")
websocket_tearing_down = _signals.signal("websocket-tearing-down")
websocket_received = _signals.signal("websocket-received")
websocket_sent = _signals.signal("websocket-sent")
got_websocket_exception = _signals.signal("got-websocket-exception")
got_background_exception = _signals.signal("got-background-exception")
got_serving_exception = _signals.signal("got-serving-exception")
