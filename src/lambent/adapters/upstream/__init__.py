"""Services behind another endpoint: moto's companion process, or any AWS-compatible server."""
