"""Floor 4: the data plane: ``delivery`` (durable queues, retries) over ``invocation`` (admission) over ``environments`` (pools)."""
