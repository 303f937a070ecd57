"""What stands around the views of an app: one look tells whether there is anything.

Hooks, teardown functions, replaced steps, receivers of signals, a session that wants to be opened
first; and what stands in front of all of it, a debugger or mounted apps. Most requests of most apps
have none of these, and looking at each would cost more than all the rest of such a request's
dispatching.
"""

from __future__ import annotations

from typing import Any

from ..sessions import SecureCookieSessionInterface
from ..signals import appcontext_popped, appcontext_pushed, appcontext_tearing_down
from .lanes import HTTP


class Around:
    """What has to be empty for a request to be its view and nothing else.

    These are the registries themselves, not what they hold now: what is registered later is seen.
    An app forgets them when one of them is replaced (:data:`.steps.WATCHED`).

    Args:
        app: The app.
    """

    __slots__ = ("after", "before", "colours", "detours")

    def __init__(self, app: Any) -> None:
        #: Whether a connection may have to go elsewhere before it is dispatched.
        self.detours = bool(app.use_debugger or app.mounts or "asgi_app" in app.replaced_steps)
        #: The views that were called, and whether they are `async def`.
        self.colours: dict[Any, bool] = {}
        #: What is due before the view.
        self.before: tuple[Any, ...] = (True,)
        #: What is due behind it.
        self.after: tuple[Any, ...] = (True,)
        if app.replaced_steps or opens_early(app.session_interface):
            return  # It stays so until one of these is assigned.
        self.before = (
            HTTP.before(app),
            app.url_value_preprocessors,
            HTTP.started.receivers,
            appcontext_pushed.receivers,
        )
        self.after = (
            HTTP.after(app),
            HTTP.teardown(app),
            app.teardown_appcontext_funcs,
            HTTP.finished.receivers,
            HTTP.tearing_down.receivers,
            appcontext_tearing_down.receivers,
            appcontext_popped.receivers,
        )


def opens_early(interface: Any) -> bool:
    """Tell whether a session interface has to be called at once, and by its colour.

    The cookie session needs no I/O: it is opened when somebody looks, in place.
    """
    cls = type(interface)
    return (
        cls.open_session is not SecureCookieSessionInterface.open_session
        or cls.save_session is not SecureCookieSessionInterface.save_session
    )
