"""Floor 3: evaluation of IAM and resource policies. Pure: documents and a request in, a decision out."""
