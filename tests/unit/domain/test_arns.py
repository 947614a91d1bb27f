"""ARNs."""

import botocore.session

from lambent.domain.arns import partition_of


def test_every_region_is_in_botocores_partition() -> None:
    session = botocore.session.Session()
    for partition in session.get_available_partitions():
        for region in session.get_available_regions("s3", partition):
            assert partition_of(region) == partition, region
    assert partition_of("us-isob-east-1") == "aws-iso-b"
