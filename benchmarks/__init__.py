"""Benchmarks: each row of the table measures the product and its baseline in the same minutes, in turn, and prints their ratio.

``python -m benchmarks`` runs every row and writes ``docs/reference/benchmarks.md``; ``python -m benchmarks warm cold`` runs some.
``floor`` is the least that a warm invocation can cost in Python; ``load`` is the client, whose own cost per request is a few microseconds.
"""
