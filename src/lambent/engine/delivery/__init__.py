"""Durable asynchronous delivery."""
