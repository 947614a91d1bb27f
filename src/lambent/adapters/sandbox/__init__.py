"""Drivers that run environments as processes."""
