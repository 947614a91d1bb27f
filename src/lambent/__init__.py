"""Lambent: AWS Lambda that you run yourself.

The folders are floors; imports go down only (import-linter keeps it, see ``docs/architecture.md``):
``cli`` → ``server`` → ``gateway | runtime_api | services | adapters`` → ``engine`` →
``wire | policy | patterns | signing`` → ``domain`` → ``base``.
"""
