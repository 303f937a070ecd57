"""Where ``def`` and ``async def`` meet: inspection, worker threads, and the way between them."""
