"""How a connection is served: plans, runners, the pipeline, errors, responses, URLs, teardown."""
