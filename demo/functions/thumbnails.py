"""For each uploaded picture: a thumbnail into another bucket, and what is known of it into a table."""

import io
import os
from urllib.parse import unquote_plus

import boto3
from PIL import Image

s3 = boto3.client("s3")
table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def handler(event, context):
    for record in event["Records"]:
        bucket = record["s3"]["bucket"]["name"]
        key = unquote_plus(record["s3"]["object"]["key"])
        data = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        picture = Image.open(io.BytesIO(data))
        kind, width, height = picture.format, *picture.size
        thumbnail = picture.convert("RGB")
        thumbnail.thumbnail((128, 128))
        out = io.BytesIO()
        thumbnail.save(out, "JPEG", quality=85)
        target = key.rsplit(".", 1)[0] + ".jpg"
        s3.put_object(Bucket=os.environ["THUMBNAILS"], Key=target, Body=out.getvalue(), ContentType="image/jpeg")
        table.put_item(
            Item={"picture": key, "status": "OK", "format": kind, "width": width, "height": height, "bytes": len(data), "thumbnail": target}
        )
        print(f"{key}: {kind} {width}x{height}, thumbnail {thumbnail.size[0]}x{thumbnail.size[1]}")
    return {"pictures": len(event["Records"])}
