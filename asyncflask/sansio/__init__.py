"""Setup of apps and blueprints, synchronous and free of ASGI and WSGI. (Flask: flask.sansio.)"""
