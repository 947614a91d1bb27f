"""Amazon SQS: standard and FIFO queues, durable, over the store's tables.

What a queue's messages may do next is decided in memory, by pure code (``standard``, ``fifo``); what they are, and how often they were
received, is on disk (``state``), and ``mailroom`` keeps the two together. The rest is one module per family of operations.

What does not belong here: who polls queues for functions (``engine/sources``), and the names of the query protocol (``wire/sqs_query``).
Not done: messages are not encrypted, whatever the attributes for KMS say; requests are never throttled, so a FIFO queue takes as many
as it can; the query protocol answers in XML only.
"""
