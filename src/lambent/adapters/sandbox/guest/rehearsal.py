"""The function that a template goes through before the first real one comes."""

import json
import os


def handler(event, context):
    """Do a little of what most functions do."""
    print(json.dumps(event), context.function_name, os.environ.get("AWS_REGION"))
    return event
