"""What stands around the views of an app: one look tells whether there is anything.

Hooks, teardown functions, replaced steps, receivers of signals, a session that wants to be opened
first. Most requests of most apps have none of these, and looking at each would cost more than all
the rest of such a request's dispatching.
"""

from __future__ import annotations

from typing import Any

from ..sessions import SecureCookieSessionInterface
from ..signals import appcontext_popped, appcontext_pushed, appcontext_tearing_down
from .lanes import HTTP


def around_requests(app: Any) -> tuple[Any, ...]:
    """Return what has to be empty for a request to be its view and nothing else.

    These are the registries themselves, not what they hold now: what is registered later is seen.
    ``App.__setattr__`` forgets the tuple when one of them is replaced (:data:`.steps.WATCHED`).
    """
    if app.replaced_steps or opens_early(app.session_interface):
        return (True,)  # It stays so until one of these is assigned.
    return (
        HTTP.before(app),
        HTTP.after(app),
        HTTP.teardown(app),
        app.url_value_preprocessors,
        app.teardown_appcontext_funcs,
        HTTP.started.receivers,
        HTTP.finished.receivers,
        HTTP.tearing_down.receivers,
        appcontext_pushed.receivers,
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
