"""Floor 7: commands: arguments in, calls to the server, readable output."""
