"""What stands around the views of an app: one look tells whether there is anything.

Hooks, teardown functions, replaced steps, receivers of signals, a session that wants to be opened
first; and what stands in front of all of it, a debugger or mounted apps. Most requests of most apps
have none of these, and looking at each would cost more than all the rest of such a request's
dispatching.
"""

from __future__ import annotations

from collections.abc import Sized
from inspect import getattr_static
from typing import Any

from ..sessions import opens_early
from ..signals import appcontext_popped, appcontext_pushed, appcontext_tearing_down
from ..wrappers.response.response import Response
from .lanes import HTTP
from .steps import CONTEXTS


class Around:
    """What has to be empty for a request to be its view and nothing else.

    These are the registries themselves, not what they hold now: what is registered later is seen.
    An app forgets them when one of them is replaced (:data:`.steps.WATCHED`).

    PERF: who looks names each: any() of them all takes twice as long, a fiftieth of a request.

    Args:
        app: The app.
    """

    __slots__ = (
        *("after", "app_tearing_down", "app_teardown", "before", "detours", "finished"),
        *("opens_early", "other_responses", "popped", "preprocessors", "pushed", "started"),
        *("teardown", "tearing_down"),
    )

    def __init__(self, app: Any) -> None:
        #: Whether a connection may have to go elsewhere before it is dispatched, or has a context
        #: that the app makes.
        self.detours = bool(
            app.use_debugger
            or app.mounts
            or app.debug
            or app.replaced_steps & {"asgi_app", *CONTEXTS}
        )
        #: Whether answers are of a class of somebody's own, or a property has to say of which.
        self.other_responses = getattr_static(app, "response_class") is not Response
        self.before = HTTP.before(app)
        self.preprocessors = app.url_value_preprocessors
        self.started: Sized = HTTP.started.receivers
        self.pushed: Sized = appcontext_pushed.receivers
        self.after = HTTP.after(app)
        self.finished: Sized = HTTP.finished.receivers
        self.teardown = HTTP.teardown(app)
        self.app_teardown = app.teardown_appcontext_funcs
        self.tearing_down: Sized = HTTP.tearing_down.receivers
        self.app_tearing_down: Sized = appcontext_tearing_down.receivers
        self.popped: Sized = appcontext_popped.receivers
        #: Whether the session interface has to be called at once, and may be `async def`.
        self.opens_early = opens_early(app.session_interface)
        if app.replaced_steps or self.opens_early:
            # It stays so until one of these is assigned.
            self.started = self.finished = (True,)
