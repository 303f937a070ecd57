from flask import *

__all__ = ["field", "order"]


def field(name):
    return request.form.get(name, "")


def order(name):
    return -len(request.form[name])
