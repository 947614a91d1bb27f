"""Floor 3: AWS's protocols, from botocore's models: bytes → parameters, results and errors → bytes. Pure; the only folder that imports botocore."""
