"""What debug mode shows of an error."""
