"""AWS Lambda's API: functions, versions, aliases, layers, their settings and permissions; invoking; function URLs; event source mappings.

What a function is, is on disk (``state``), found through ``catalogue`` from memory; ``transitions`` makes pending functions active. The
rest is one module per family of operations. What does not belong here: running code (``engine``, ``adapters/sandbox``), queues of
asynchronous invocations and reading event sources (``engine``). Invocations through a function's URL come in by HTTP (``url_serving``),
not as an operation. Not served, and refused: container images, durable functions, managed instances. A VPC, a file system and a KMS key
are kept and shown, and change nothing. Code signing is a control plane (``code_trust``): no signature is verified, so no code is trusted.
"""
