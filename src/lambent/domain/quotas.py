"""AWS's quotas as defaults, in one table. Adjustable by settings (``[quotas]`` in ``lambent.toml``); units are in the names."""

from __future__ import annotations

import msgspec


class Quotas(msgspec.Struct, frozen=True):
    """Limits that are enforced with AWS's own errors.

    Source: "Lambda quotas", "Amazon S3 quotas", "Amazon SQS message quotas" and "CloudWatch Logs quotas" in AWS's
    documentation, as of 2026.
    """

    # Lambda: requests
    sync_payload_bytes_max: int = 6_291_556  #: request and response of a synchronous invocation (6 MB and the envelope)
    event_payload_bytes_max: int = 1_048_576  #: an asynchronous invocation's event
    streamed_response_bytes_max: int = 209_715_200
    client_context_bytes_max: int = 3_583
    log_tail_bytes_max: int = 4_096
    # Lambda: functions
    zip_upload_bytes_max: int = 52_428_800  #: a zip inside the request (50 MB)
    code_unzipped_bytes_max: int = 262_144_000  #: function and layers together (250 MB)
    code_storage_bytes_max: int = 80_530_636_800  #: all functions and layers of an account and region (75 GB)
    layers_max: int = 5
    environment_bytes_max: int = 4_096
    policy_bytes_max: int = 20_480
    memory_mb_min: int = 128
    memory_mb_max: int = 10_240
    timeout_s_max: int = 900
    ephemeral_storage_mb_min: int = 512
    ephemeral_storage_mb_max: int = 10_240
    tags_max: int = 50
    # Lambda: execution
    init_s_max: float = 10.0
    concurrency_max: int = 1_000  #: environments of an account and region that are busy at once
    concurrency_unreserved_min: int = 100
    scaling_environments_per_10s: int = 1_000  #: new environments of one function
    requests_per_concurrency: int = 10  #: synchronous requests per second, per unit of concurrency
    processes_max: int = 1_024
    open_files_max: int = 1_024
    # Asynchronous invocation
    event_age_s_max: int = 21_600
    event_retries_max: int = 2
    source_batches_max: int = 1_250  #: batches of a queue's event source mapping at once, without provisioned pollers
    # S3
    buckets_max: int = 10_000
    object_bytes_max: int = 5_497_558_138_880  #: by multipart upload (5 TiB)
    put_bytes_max: int = 5_368_709_120  #: in one request (5 GiB)
    part_bytes_min: int = 5_242_880
    parts_max: int = 10_000
    key_bytes_max: int = 1_024
    metadata_bytes_max: int = 2_048
    # SQS (sizes and times of its attributes: services/sqs/attributes.py)
    in_flight_max: int = 120_000  #: messages of a standard queue that are received and not deleted
    fifo_in_flight_max: int = 120_000  #: 20,000 before the end of 2024
    queue_name_reuse_s: float = 60.0  #: how long the name of a deleted queue stays taken
    # EventBridge
    put_events_bytes_max: int = 262_144  #: all entries of a request (256 KB)
    rules_per_bus_max: int = 300
    targets_per_rule_max: int = 5
    replays_max: int = 10  #: active ones of an account and region
    # Any JSON, query or CBOR request that isn't a streamed body
    request_bytes_max: int = 70_167_211  #: CreateFunction with a 50 MB zip in base64, and its envelope of 256 KB
