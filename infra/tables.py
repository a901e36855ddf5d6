from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.stages import Stage


class Tables(Construct):
    """Users, timers, campaigns and the catalog. No index on any: see the cost of one in the design."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self.key = kms.Key(self, "Key", enable_key_rotation=True) if stage.customer_managed_key else None
        self.users = self._table(
            "Users", key=("user", "part"), ttl="expires_at", stream=dynamodb.StreamViewType.NEW_IMAGE
        )
        self.timers = self._table("Timers", key=("slot", "id"), ttl="expires_at")
        self.campaigns = self._table("Campaigns", key=("pk", "sk"), ttl="expires_at")
        self.catalog = self._table("Catalog", key=("pk", "sk"), ttl="expires_at")

    def allow_key(self, grantee: iam.IGrantable) -> None:
        """Whoever uses a table under a customer's key needs the key as well."""
        if self.key:
            self.key.grant(
                grantee,
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:Encrypt",
                "kms:GenerateDataKey",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
            )

    def _table(
        self,
        name: str,
        *,
        key: tuple[str, str],
        ttl: str | None = None,
        stream: dynamodb.StreamViewType | None = None,
    ) -> dynamodb.Table:
        partition, sort = (dynamodb.Attribute(name=part, type=dynamodb.AttributeType.STRING) for part in key)
        return dynamodb.Table(
            self,
            name,
            partition_key=partition,
            sort_key=sort,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=(
                dynamodb.TableEncryption.CUSTOMER_MANAGED if self.key else dynamodb.TableEncryption.AWS_MANAGED
            ),
            encryption_key=self.key,
            time_to_live_attribute=ttl,
            stream=stream,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=self._stage.recoverable
            ),
            deletion_protection=self._stage.protected,
            removal_policy=self._stage.removal_policy,
        )
