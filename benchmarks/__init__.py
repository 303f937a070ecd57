"""How fast asyncflask is beside its peers, and whether it keeps memory."""
