"""Functions that run with each request."""

from flask import after_this_request, g, request, session


def init_app(app):
    @app.before_request
    def begin():
        g.steps = ["begin"]
        if request.method == "POST" and request.form.get("trap"):
            return "No robots.", 400  # a field that only programs fill
        if "visits" in request.args:

            @after_this_request
            def count(response):
                session["visits"] = session.get("visits", 0) + 1
                response.headers["X-Visits"] = str(session["visits"])
                return response

        return None

    @app.after_request
    def end(response):
        g.steps.append("end")
        response.headers["X-Steps"] = ",".join(g.steps)
        return response

    @app.context_processor
    def names():
        return {"library": "Library", "member": g.get("member")}

    @app.template_filter("initials")
    def initials(name):
        return "".join(part[0] for part in name.split())
