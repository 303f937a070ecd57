"""The websocket: messages, handshake and close, and what happens when its client has left."""
