"""The app's logger, and a handler that logs from another thread."""

from __future__ import annotations

from logging import LogRecord
from logging.handlers import QueueHandler

from ..logging import create_logger as create_logger
from ..logging import default_handler as default_handler
from ..logging import has_level_handler as has_level_handler


class LocalQueueHandler(QueueHandler):
    """Puts the records of this process into a queue, for a ``QueueListener`` of another thread.

    Args:
        queue: The queue.

    Source: ``Quart: logging.LocalQueueHandler``.
    """

    def prepare(self, record: LogRecord) -> LogRecord:
        """Return the record as it is: it does not leave the process, so nothing is pickled.

        Args:
            record: The record.
        """
        return record
