"""h1spec's cases of HTTP/1.1 against the embedded server; not part of ``make test``."""
