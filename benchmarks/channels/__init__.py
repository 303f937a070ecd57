"""Measures channels beside the client libraries of their engines.

- ``peers.py``: asyncflask's channels, each engine's client library, and broadcaster, in one form
- ``measure.py``: latency, rate, fan-out in one process
- ``worker.py``: a process of its own, for fan-out over two processes and for memory
- ``restarts.py``: what is lost when the server is killed, and how long it takes to come back
- ``report.py``: the tables of ``docs/reference/channels.md``
- ``sockets.py``: clients on sockets, of apps on several servers (``rooms.py`` and its neighbours)
- ``crowd.py``: those clients
- ``sockets_report.py``: their tables and the picture
"""
