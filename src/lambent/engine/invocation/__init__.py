"""Admission and routing of invocations."""
