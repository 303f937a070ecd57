"""The servers: how many requests one process answers over loopback, and what a connection keeps.

``starts.py`` starts each server, and ``apps.py`` has the apps. ``loads.py`` is the client,
``measure.py`` the rounds, ``idle.py`` memory, ``frames.py`` the cost of websocket frames, and
``report.py`` the tables. Linux only: cores, CPU time and memory are read from ``/proc``.
"""
