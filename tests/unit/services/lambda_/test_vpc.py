"""A function's VPC as its configuration shows it."""

import pytest

from lambent.domain.errors import AwsError, NotImplementedHere


async def create(bench, zip_of, **vpc):
    code = {"ZipFile": zip_of()}
    role = "arn:aws:iam::123456789012:role/worker"
    return await bench.call(
        "CreateFunction", FunctionName="f", Runtime="python3.12", Role=role, Handler="app.handler", Code=code, VpcConfig=vpc
    )


async def test_the_vpc_is_that_of_the_first_subnet(bench, zip_of):
    bench.s3.answers["DescribeSubnets"] = {"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1"}]}
    created = await create(bench, zip_of, SubnetIds=["subnet-1"], SecurityGroupIds=["sg-1"])
    assert created["VpcConfig"] == {
        "SubnetIds": ["subnet-1"],
        "SecurityGroupIds": ["sg-1"],
        "VpcId": "vpc-1",
        "Ipv6AllowedForDualStack": False,
    }
    await bench.settle()
    left = await bench.call("UpdateFunctionConfiguration", FunctionName="f", VpcConfig={"SubnetIds": [], "SecurityGroupIds": []})
    assert left["VpcConfig"] == {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": "", "Ipv6AllowedForDualStack": False}
    await bench.settle()
    kept = await bench.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    assert kept["VpcConfig"] == left["VpcConfig"]


async def test_a_subnet_unknown_to_ec2_is_refused(bench, zip_of):
    bench.s3.answers["DescribeSubnets"] = AwsError("InvalidSubnetID.NotFound", "The subnet ID 'subnet-1' does not exist", 400)
    with pytest.raises(AwsError) as refused:
        await create(bench, zip_of, SubnetIds=["subnet-1"], SecurityGroupIds=["sg-1"])
    assert (refused.value.code, refused.value.status) == ("InvalidParameterValueException", 400)
    assert "EC2 Error Code: InvalidSubnetID.NotFound" in refused.value.message


async def test_without_ec2_the_vpc_is_unknown(bench, zip_of):
    bench.s3.answers["DescribeSubnets"] = NotImplementedHere("ec2", "DescribeSubnets")
    created = await create(bench, zip_of, SubnetIds=["subnet-1"], SecurityGroupIds=["sg-1"])
    assert created["VpcConfig"]["VpcId"] == ""


async def test_a_subnet_of_the_settings_needs_no_ec2(bench, zip_of):
    created = await create(bench, zip_of, SubnetIds=["subnet-mine"], SecurityGroupIds=[])
    assert created["VpcConfig"]["VpcId"] == "vpc-mine"
