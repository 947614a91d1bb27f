from tests.unit.services.logs.logs_kit import Kit


async def names(kit: Kit, **params: object) -> list[str]:
    seen: list[str] = []
    while True:
        page = await kit.call("DescribeLogStreams", logGroupName="g", limit=2, **params)
        seen += [each["logStreamName"] for each in page["logStreams"]]
        if "nextToken" not in page:
            return seen
        params["nextToken"] = page["nextToken"]


async def test_streams_by_name_and_by_last_event(kit: Kit) -> None:
    await kit.call("CreateLogGroup", logGroupName="g")
    for name, time in (("b/1", -5), ("a", -1), ("b/2", -9), ("c", None)):
        await kit.call("CreateLogStream", logGroupName="g", logStreamName=name)
        if time is not None:
            await kit.put((time, "x"), stream=name)
    assert await names(kit) == ["a", "b/1", "b/2", "c"]
    assert await names(kit, descending=True) == ["c", "b/2", "b/1", "a"]
    assert await names(kit, logStreamNamePrefix="b/") == ["b/1", "b/2"]
    assert await names(kit, logStreamNamePrefix="b/", descending=True) == ["b/2", "b/1"]
    assert await names(kit, orderBy="LastEventTime", descending=True) == ["a", "b/1", "b/2", "c"]
    assert await names(kit, orderBy="LastEventTime") == ["c", "b/2", "b/1", "a"]
    error = await kit.fails("DescribeLogStreams", logGroupName="g", orderBy="LastEventTime", logStreamNamePrefix="b")
    assert error.message == "Cannot order by LastEventTime with a logStreamNamePrefix."


async def test_a_stream_is_described_as_aws_does(kit: Kit) -> None:
    await kit.stream()
    (stream,) = (await kit.call("DescribeLogStreams", logGroupIdentifier="arn:aws:logs:eu-west-1:123456789012:log-group:g:*"))["logStreams"]
    assert "lastEventTimestamp" not in stream
    await kit.put((-5, "a"), (-3, "b"))
    (stream,) = (await kit.call("DescribeLogStreams", logGroupIdentifier="g"))["logStreams"]
    assert stream["arn"] == "arn:aws:logs:eu-west-1:123456789012:log-group:g:log-stream:s"
    assert (stream["firstEventTimestamp"], stream["lastEventTimestamp"]) == (kit.now - 5, kit.now - 3)
    assert (stream["lastIngestionTime"], stream["storedBytes"], len(stream["uploadSequenceToken"])) == (kit.now, 0, 56)


async def test_group_name_or_identifier_but_not_both(kit: Kit) -> None:
    assert (await kit.fails("DescribeLogStreams")).code == "InvalidParameterException"
    assert (await kit.fails("DescribeLogStreams", logGroupName="g", logGroupIdentifier="g")).code == "ValidationException"
    elsewhere = "arn:aws:logs:eu-west-1:999999999999:log-group:g"
    assert (await kit.fails("DescribeLogStreams", logGroupIdentifier=elsewhere)).code == "ResourceNotFoundException"


async def test_streams_come_and_go(kit: Kit) -> None:
    await kit.stream()
    await kit.put((0, "old"))
    error = await kit.fails("CreateLogStream", logGroupName="g", logStreamName="s")
    assert (error.code, error.message) == ("ResourceAlreadyExistsException", "The specified log stream already exists")
    await kit.call("DeleteLogStream", logGroupName="g", logStreamName="s")
    error = await kit.fails("DeleteLogStream", logGroupName="g", logStreamName="s")
    assert (error.code, error.message) == ("ResourceNotFoundException", "The specified log stream does not exist.")
    await kit.call("CreateLogStream", logGroupName="g", logStreamName="s")
    assert (await kit.get())["events"] == []
