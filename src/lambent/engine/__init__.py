"""Floor 4: the data plane: ``delivery`` (durable queues, retries) over ``invocation`` (admission, routing) over ``environments`` (pools, lifecycle)."""
