"""What ``python -m benchmarks waiting`` measures.

``apps.py`` has the apps, ``measure.py`` measures one in a process of its own, ``loopback.py``
behind the embedded server, of which ``asgi.py`` is the app. Tables and picture are in
``benchmarks/waiting.py``.
"""
