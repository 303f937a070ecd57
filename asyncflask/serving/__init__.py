"""What an app does while it is served: the parts of :class:`asyncflask.Flask`."""
