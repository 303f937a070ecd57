"""The servers: how many requests one process answers over loopback, and what a connection keeps.

``starts.py`` says how each server is started and ``apps.py`` what is behind it, ``loads.py`` is the
client, ``measure.py`` the rounds, ``idle.py`` memory, ``frames.py`` what websocket frames cost by
themselves, ``report.py`` the tables. Linux only: cores, CPU time and memory are read where Linux
tells them.
"""
