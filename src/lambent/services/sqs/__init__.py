"""Amazon SQS: standard and FIFO queues, durable, over the store's tables.

What a queue's messages may do next is decided in memory, by pure code (``standard``, ``fifo``); what they are, and how often they were
received, is on disk (``state``), and ``mailroom`` keeps the two together. The rest is one module per family of operations.
"""
