"""Environments: their lifecycle, pools and output."""
