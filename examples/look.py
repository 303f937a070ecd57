"""What pages of the small examples share: a stylesheet, an icon, and ``templates/page.html``."""

from __future__ import annotations

from asyncflask import Blueprint

bp = Blueprint(
    "look", __name__, static_folder="static", static_url_path="/look", template_folder="templates"
)
