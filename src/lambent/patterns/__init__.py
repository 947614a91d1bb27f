"""Floor 3: pattern languages: CloudWatch Logs filter patterns, later event patterns and filter criteria. Pure."""
