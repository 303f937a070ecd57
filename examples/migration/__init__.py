"""One app in four steps, from Flask to the async API; each folder has the app after a step.

``test_notes.py`` passes after each of them. ``__main__.py`` serves one.
"""
