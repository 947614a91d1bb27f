"""Takes the records of events that failed for good, and writes them into the table."""

import os
from urllib.parse import unquote_plus

import boto3

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def handler(event, context):
    for record in event["requestPayload"]["Records"]:
        why = event["responsePayload"]["errorMessage"]
        table.put_item(Item={"picture": unquote_plus(record["s3"]["object"]["key"]), "status": "FAILED", "why": why})
        print(f"failed after {event['requestContext']['approximateInvokeCount']} attempt(s): {why}")
