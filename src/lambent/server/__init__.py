"""Floor 6: the composition root: builds concrete things from ``Settings``, plugs them together, starts and stops them in order."""
