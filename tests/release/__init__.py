"""The built distributions: what is in them, and that the README works with them."""
