"""The main job, end to end, with boto3 against a server of its own: pictures in, thumbnails and table rows out."""
