"""Floor 7: commands: arguments in, calls to the server, readable output. stdout is data, stderr is talk."""

from lambent.cli.commands import main

__all__ = ["main"]
