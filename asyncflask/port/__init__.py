"""``asyncflask port``: rewrite a Flask or Quart project for asyncflask, on libcst.

The command is in ``cli/port.py`` and imports this package when it runs. Nothing that serves an app
does. The project is read (:mod:`.project`), its names are resolved (:mod:`.names`,
:mod:`.program`), and each step returns edits of nodes (:mod:`.edits`).
"""
