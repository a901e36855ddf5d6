"""The properties that all buckets have in common, and rights on their objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from aws_cdk import Acknowledgment, Duration, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.key import Key
from infra.stages import Stage


class PrivateBucket(s3.Bucket):
    """Encrypted, closed to the public, reached by TLS only. `announced`: EventBridge gets events of new objects."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        key: Key,
        rules: Sequence[s3.LifecycleRule],
        versioned: bool = False,
        announced: bool = False,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption=s3.BucketEncryption.KMS if key.own else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key.own,
            bucket_key_enabled=True if key.own else None,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=not stage.embedded,
            versioned=versioned or None,
            # A bucket that is not empty cannot be deleted, and would make the stack's deletion fail.
            removal_policy=stage.kept,
            lifecycle_rules=[
                *rules,
                s3.LifecycleRule(id="Unfinished", abort_incomplete_multipart_upload_after=Duration.days(1)),
            ],
        )
        if announced:
            # CDK's own switch for this would add a function of its own, with rights on every bucket.
            cast("s3.CfnBucket", self.node.default_child).add_property_override(
                "NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", value=True
            )
        Validations.of(self).acknowledge(
            Acknowledgment(
                id="AwsSolutions-S1",
                reason="A log of each access is CloudTrail's data events, which whoever must have one turns on.",
            ),
        )


def acknowledge_objects(role: iam.IRole, bucket: s3.Bucket, prefixes: Sequence[str], reason: str) -> None:
    """Rights on the objects under a prefix end in a star."""
    name = Stack.of(bucket).get_logical_id(cast("s3.CfnBucket", bucket.node.default_child))
    Validations.of(role).acknowledge(
        *(
            Acknowledgment(id=f"AwsSolutions-IAM5[Resource::<{name}.Arn>/{prefix}*]", reason=reason)
            for prefix in prefixes
        )
    )
