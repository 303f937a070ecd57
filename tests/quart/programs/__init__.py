"""Apps as Quart's users write them. Each module has ``create_app()`` and ``answers(app)``.

``answers()`` uses the app as its clients do, and yields pairs of a name and what came back. A
module imports ``quart`` alone: ``python -m tests.quart.programs`` runs it on real Quart, and with
``--on asyncflask`` on :mod:`asyncflask.quart`. ``tests/quart/test_programs.py`` compares the two.
"""
