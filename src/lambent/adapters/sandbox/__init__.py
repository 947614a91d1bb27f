"""Drivers that run environments as processes: ``process`` has limits, but no walls.

``guest/`` holds what runs in other processes, under any interpreter; it imports nothing of ours.
"""
