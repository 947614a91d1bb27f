"""Amazon CloudWatch Logs' API."""
