from __future__ import annotations

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from holdfast_cli.outputs import Outputs
from infra.key import Key
from infra.stages import Stage

_READS_A_WRITE = 3
"""AWS's own proportion for a new table: 12,000 read units to 4,000 write units."""


class Tables(Construct):
    """Users, timers, campaigns and the catalog. No table has an index: the design has the cost of one.

    They are made here, or left behind by an earlier stack (`-c users_table=…` and the like) and reused.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self.key = Key(self, "Key", stage=stage)
        stream = dynamodb.StreamViewType.NEW_IMAGE
        self.users = self._table("users", key=("user", "part"), stream=stream, busy=True)
        self.timers = self._table("timers", key=("slot", "id"), busy=True)
        self.campaigns = self._table("campaigns", key=("pk", "sk"))
        self.catalog = self._table("catalog", key=("pk", "sk"))

    @property
    def outputs(self) -> Outputs:
        return {
            "UsersTableName": self.users.table_name,
            "TimersTableName": self.timers.table_name,
            "CampaignsTableName": self.campaigns.table_name,
            "CatalogTableName": self.catalog.table_name,
        }

    def _table(
        self, place: str, *, key: tuple[str, str], stream: dynamodb.StreamViewType | None = None, busy: bool = False
    ) -> dynamodb.ITable:
        if place in self._stage.tables:
            return self._given(place, with_stream=stream is not None)
        partition, sort = (dynamodb.Attribute(name=part, type=dynamodb.AttributeType.STRING) for part in key)
        warm = self._stage.warm_writes if busy else None
        return dynamodb.Table(
            self,
            place.capitalize(),
            partition_key=partition,
            sort_key=sort,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=(
                dynamodb.TableEncryption.CUSTOMER_MANAGED if self.key.own else dynamodb.TableEncryption.AWS_MANAGED
            ),
            encryption_key=self.key.own,
            time_to_live_attribute="expires_at",
            stream=stream,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=self._stage.recoverable
            ),
            deletion_protection=self._stage.locked,
            removal_policy=self._stage.removal_policy,
            warm_throughput=(
                dynamodb.WarmThroughput(write_units_per_second=warm, read_units_per_second=_READS_A_WRITE * warm)
                if warm
                else None
            ),
        )

    def _given(self, place: str, *, with_stream: bool) -> dynamodb.ITable:
        return dynamodb.Table.from_table_attributes(
            self,
            place.capitalize(),
            table_arn=Stack.of(self).format_arn(
                service="dynamodb",
                resource="table",
                resource_name=self._stage.tables[place],
                arn_format=ArnFormat.SLASH_RESOURCE_NAME,
            ),
            table_stream_arn=self._stage.users_stream_arn if with_stream else None,
        )
