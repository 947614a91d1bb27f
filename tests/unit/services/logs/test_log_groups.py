from tests.unit.services.logs.logs_kit import Kit


async def test_a_group_is_described_as_aws_does(kit: Kit) -> None:
    await kit.call("CreateLogGroup", logGroupName="/aws/lambda/f", tags={"team": "a"}, kmsKeyId="arn:aws:kms:eu-west-1:1:key/k")
    (group,) = (await kit.call("DescribeLogGroups"))["logGroups"]
    assert group == {
        "logGroupName": "/aws/lambda/f",
        "creationTime": kit.now,
        "metricFilterCount": 0,
        "arn": "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/f:*",
        "storedBytes": 0,
        "logGroupClass": "STANDARD",
        "logGroupArn": "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/f",
        "deletionProtectionEnabled": False,
        "kmsKeyId": "arn:aws:kms:eu-west-1:1:key/k",
    }
    assert (await kit.call("DescribeLogGroups", region="us-east-1"))["logGroups"] == []


async def test_a_group_exists_once(kit: Kit) -> None:
    await kit.call("CreateLogGroup", logGroupName="g")
    error = await kit.fails("CreateLogGroup", logGroupName="g")
    assert (error.code, error.message, error.status) == ("ResourceAlreadyExistsException", "The specified log group already exists", 400)


async def test_what_is_not_there_is_not_found(kit: Kit) -> None:
    for operation in ("DeleteLogGroup", "DescribeLogStreams", "FilterLogEvents", "DeleteRetentionPolicy", "ListTagsLogGroup"):
        error = await kit.fails(operation, logGroupName="nobody")
        assert (error.code, error.message) == ("ResourceNotFoundException", "The specified log group does not exist.")


async def test_groups_come_in_pages_by_name(kit: Kit) -> None:
    for name in ("b/2", "a/1", "b/1", "b/3", "c"):
        await kit.call("CreateLogGroup", logGroupName=name)
    seen, token = [], {}
    while True:
        page = await kit.call("DescribeLogGroups", limit=2, logGroupNamePrefix="b/", **token)
        seen += [each["logGroupName"] for each in page["logGroups"]]
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert seen == ["b/1", "b/2", "b/3"]
    await kit.call("PutRetentionPolicy", logGroupName="a/1", retentionInDays=1)
    page = await kit.call("DescribeLogGroups", logGroupNamePattern="/1")
    assert [each["logGroupName"] for each in page["logGroups"]] == ["a/1", "b/1"]
    told = ["arn", "creationTime", "logGroupArn", "logGroupClass", "logGroupName", "metricFilterCount"]
    assert sorted(page["logGroups"][0]) == told
    assert [each["logGroupName"] for each in (await kit.call("ListLogGroups", logGroupNamePattern="^a/|c"))["logGroups"]] == ["a/1", "c"]
    assert (await kit.fails("DescribeLogGroups", logGroupNamePrefix="a", logGroupNamePattern="b")).code == "InvalidParameterException"
    assert (await kit.fails("DescribeLogGroups", nextToken="?")).code == "InvalidParameterException"


async def test_a_group_that_was_deleted_comes_back_empty(kit: Kit) -> None:
    await kit.stream()
    await kit.put((0, "old"))
    await kit.call("DeleteLogGroup", logGroupName="g")
    assert (await kit.fails("GetLogEvents", logGroupName="g", logStreamName="s")).code == "ResourceNotFoundException"
    await kit.stream()
    assert (await kit.get())["events"] == []


async def test_a_protected_group_stays(kit: Kit) -> None:
    await kit.call("CreateLogGroup", logGroupName="g", deletionProtectionEnabled=True)
    assert (await kit.fails("DeleteLogGroup", logGroupName="g")).code == "ValidationException"
    await kit.call("PutLogGroupDeletionProtection", logGroupIdentifier="g", deletionProtectionEnabled=False)
    await kit.call("DeleteLogGroup", logGroupName="g")


async def test_tags_in_both_forms(kit: Kit) -> None:
    arn = "arn:aws:logs:eu-west-1:123456789012:log-group:g"
    await kit.call("CreateLogGroup", logGroupName="g", tags={"a": "1"})
    await kit.call("TagLogGroup", logGroupName="g", tags={"b": "2"})
    await kit.call("TagResource", resourceArn=arn, tags={"c": "3", "a": "9"})
    assert (await kit.call("ListTagsForResource", resourceArn=arn))["tags"] == {"a": "9", "b": "2", "c": "3"}
    await kit.call("UntagLogGroup", logGroupName="g", tags=["a"])
    await kit.call("UntagResource", resourceArn=arn, tagKeys=["b", "nobody"])
    assert (await kit.call("ListTagsLogGroup", logGroupName="g"))["tags"] == {"c": "3"}
    too_many = {str(number): "" for number in range(50)}
    assert (await kit.fails("TagResource", resourceArn=arn, tags=too_many)).code == "TooManyTagsException"
    assert (await kit.fails("TagResource", resourceArn=arn, tags={"aws:x": ""})).code == "InvalidParameterException"
    assert (await kit.fails("ListTagsForResource", resourceArn=arn + "2")).code == "ResourceNotFoundException"
    assert (await kit.fails("ListTagsForResource", resourceArn="arn:nonsense")).code == "InvalidParameterException"


async def test_retention_hides_at_once_and_housekeeping_removes(kit: Kit) -> None:
    await kit.stream()
    await kit.put((-40 * 3_600_000, "old"))
    await kit.put((-1_000, "new"))
    assert (await kit.fails("PutRetentionPolicy", logGroupName="g", retentionInDays=2)).code == "InvalidParameterException"
    await kit.call("PutRetentionPolicy", logGroupName="g", retentionInDays=1)
    assert [each["message"] for each in (await kit.get())["events"]] == ["new"]
    housekeeping, _ = kit.service.workers
    await housekeeping.tidy()  # type: ignore[attr-defined]
    await kit.call("DeleteRetentionPolicy", logGroupName="g")
    assert [each["message"] for each in (await kit.get())["events"]] == ["new"]
    (group,) = (await kit.call("DescribeLogGroups"))["logGroups"]
    assert group["storedBytes"] == 3 + 26
    assert "retentionInDays" not in group


async def test_what_is_not_built_says_so(kit: Kit) -> None:
    assert (await kit.fails("StartQuery")).status == 501


async def test_a_key_is_noted_and_forgotten(kit: Kit) -> None:
    arn = "arn:aws:logs:eu-west-1:123456789012:log-group:g"
    await kit.call("CreateLogGroup", logGroupName="g")
    await kit.call("AssociateKmsKey", resourceIdentifier=arn, kmsKeyId="key")
    assert (await kit.call("DescribeLogGroups"))["logGroups"][0]["kmsKeyId"] == "key"
    await kit.call("DisassociateKmsKey", logGroupName="g")
    assert "kmsKeyId" not in (await kit.call("DescribeLogGroups"))["logGroups"][0]
    assert (
        await kit.fails("AssociateKmsKey", logGroupName="g", resourceIdentifier=arn, kmsKeyId="key")
    ).code == "InvalidParameterException"
