"""A deployed stack, on AWS or embedded, and the way to its services."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, cast, overload

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from holdfast import __version__
from holdfast.aws.clients import WAITING
from holdfast_cli import local
from holdfast_cli.output import Failure, err
from holdfast_cli.outputs import Outputs

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient


Function: TypeAlias = Literal["join", "sweep", "deliver"]
_FUNCTIONS: Mapping[Function, Literal["JoinFunctionName", "SweepFunctionName", "DeliverFunctionName"]] = {
    "join": "JoinFunctionName",
    "sweep": "SweepFunctionName",
    "deliver": "DeliverFunctionName",
}


class DeploymentNotFound(Failure):
    """There is no such stack within reach; the message says how to get one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    stage: str
    region: str
    # None on AWS: where the credentials at hand lead.
    endpoint: str | None
    outputs: Outputs

    @classmethod
    def find(cls, stage: str) -> Self:
        """Raises DeploymentNotFound."""
        region, endpoint = _embedded() if stage == "local" else _on_aws(stage)
        outputs = _outputs(stage, region=region, endpoint=endpoint)
        _compare(stage, outputs.get("Version"))
        return cls(stage=stage, region=region, endpoint=endpoint, outputs=outputs)

    @overload
    def client(self, service: Literal["cognito-idp"]) -> Any: ...
    @overload
    def client(self, service: Literal["athena"]) -> AthenaClient: ...
    @overload
    def client(self, service: Literal["cloudformation"]) -> CloudFormationClient: ...
    @overload
    def client(self, service: Literal["dynamodb"]) -> DynamoDBClient: ...
    @overload
    def client(self, service: Literal["events"]) -> EventBridgeClient: ...
    @overload
    def client(self, service: Literal["lambda"]) -> LambdaClient: ...
    @overload
    def client(self, service: Literal["logs"]) -> CloudWatchLogsClient: ...
    @overload
    def client(self, service: Literal["s3"]) -> S3Client: ...
    @overload
    def client(self, service: Literal["sqs"]) -> SQSClient: ...
    def client(self, service: str) -> Any:
        return _client(service, region=self.region, endpoint=self.endpoint)

    def recommending(self, key: Literal["HistoryBucketName", "HistoryStreamName", "RecommendFunctionName"]) -> str:
        """An output of a stack that keeps history and builds recommendations. Raises DeploymentNotFound."""
        if key not in self.outputs:
            raise DeploymentNotFound(
                f"Stage {self.stage} keeps no history and builds no recommendations. "
                "Deploy it with: -c recommendations=true"
            )
        return self.outputs[key]

    def log_group(self, function: Function) -> str:
        name = self.outputs[_FUNCTIONS[function]]
        return self.client("lambda").get_function_configuration(FunctionName=name)["LoggingConfig"]["LogGroup"]


def _embedded() -> tuple[str, str]:
    aws = local.status()
    if aws is None:
        raise DeploymentNotFound("The embedded AWS is not running. Start it with: holdfast local up")
    return aws.region, aws.endpoint


def _on_aws(stage: str) -> tuple[str, None]:
    region = boto3.Session().region_name
    if region is None:
        raise DeploymentNotFound(f"In which region is stage {stage}? Set AWS_REGION, or a profile that has one.")
    return region, None


def _outputs(stage: str, *, region: str, endpoint: str | None) -> Outputs:
    name = (os.environ.get("HOLDFAST_STACK") if endpoint is None else None) or f"Holdfast-{stage}"
    cloudformation: CloudFormationClient = _client("cloudformation", region=region, endpoint=endpoint)
    try:
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        # What CloudFormation says of a stack that does not exist.
        if error.response["Error"]["Code"] != "ValidationError":
            raise DeploymentNotFound(f"AWS does not allow looking for stack {name} in {region}: {error}") from error
        raise DeploymentNotFound(f"There is no stack {name} in {region}. {_how_to_deploy(stage)}") from error
    except BotoCoreError as error:
        raise DeploymentNotFound(f"Cannot reach AWS in {region} to look for stack {name}: {error}") from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    if not outputs:
        raise DeploymentNotFound(f"Stack {name} in {region} is {stack['StackStatus']}. {_how_to_deploy(stage)}")
    return cast("Outputs", outputs)


@cache  # said once
def _compare(stage: str, deployed: str | None) -> None:
    if deployed != __version__:
        what = f"version {deployed}" if deployed else "a version before 0.2"
        err.print(
            f"[yellow]![/] Stage {stage} runs {what} of Holdfast, and this command is {__version__}: what it says and"
            " writes may differ from what the functions do."
        )


def _how_to_deploy(stage: str) -> str:
    command = "holdfast local up" if stage == "local" else f"npx cdk deploy -c stage={stage}"
    return f"Deploy it with: {command}"


@cache
def _client(service: str, *, region: str, endpoint: str | None) -> Any:
    session = boto3.Session(region_name=region)
    waiting = WAITING if service == "lambda" else Config()
    if endpoint is None:
        return session.client(service, config=waiting)  # type: ignore[call-overload]  # the callers' types say which
    return session.client(  # type: ignore[call-overload]
        service,
        endpoint_url=endpoint,
        aws_access_key_id=local.ACCOUNT,
        aws_secret_access_key="local",  # noqa: S106  (the emulator asks for some, and checks none)
        config=Config(proxies={}, retries={"mode": "standard"}).merge(waiting),
    )
