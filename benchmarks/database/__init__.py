"""Views with a database: ``python -m benchmarks database``.

PostgreSQL is started for the run. All apps have the same pool of asyncpg, the same statements and
the same template; they differ in the framework alone.
"""

from .picture import plot
from .tables import BEGIN, END, report

__all__ = ["BEGIN", "END", "plot", "report"]
