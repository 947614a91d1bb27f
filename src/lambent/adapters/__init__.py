"""Floor 5: the outside world behind the ports of ``domain``. Adapters do not know each other."""
