"""I/O: routes, upstream, SSE, the ladder, the journal and the command line. asyncio and aiohttp live only here."""
