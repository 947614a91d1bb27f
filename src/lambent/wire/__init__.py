"""Floor 3: AWS's protocols, from botocore's models: bytes → parameters, results → bytes. The only folder that imports botocore."""
