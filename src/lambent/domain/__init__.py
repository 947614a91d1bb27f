"""Floor 2: the vocabulary. Frozen values, the error tree and the ports; no I/O and no AWS service's rules."""
