"""Floor 5: the HTTP edge: the path of a request as one list. Knows no service."""
