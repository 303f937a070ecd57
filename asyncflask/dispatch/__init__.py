"""How a connection is served: lanes, steps, pipeline, errors, results, URLs, teardown."""
