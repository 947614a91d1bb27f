"""Environments: their lifecycle, pools, contents and output. Decisions are pure (``lifecycle``, ``pool``, ``loglines``); ``host`` acts."""
