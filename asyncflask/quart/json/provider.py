"""JSON providers."""

from __future__ import annotations

from ...json.provider import DefaultJSONProvider as DefaultJSONProvider
from ...json.provider import JSONProvider as JSONProvider
