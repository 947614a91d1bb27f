"""AWS Lambda's API."""
