"""Floor 1: clock, ids, settings, logging and small asyncio tools. Nothing here ever says "Lambda"."""
