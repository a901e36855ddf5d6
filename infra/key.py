from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.stages import Stage

_ENCRYPT = ["kms:Decrypt", "kms:GenerateDataKey"]
"""The rights of a service or an account that sends to a queue under the key."""


class Key:
    """The customer's key for the data at rest, if one is wanted: made here, or an existing one.

    An existing key keeps its own policy, which this stack cannot change: docs/operate.md says what the policy has to
    allow.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        self._stack = Stack.of(scope)
        self._made: kms.Key | None = None
        self._served: set[str] = set()
        self.own: kms.IKey | None = None
        if isinstance(stage.customer_managed_key, str):
            self.own = kms.Key.from_key_arn(scope, construct_id, stage.customer_managed_key)
        elif stage.customer_managed_key:
            self.own = self._made = kms.Key(
                scope,
                construct_id,
                description=f"Holdfast-{stage.name}: data at rest",
                enable_key_rotation=True,
                removal_policy=stage.kept,
            )
            self._let_logs()

    def allow(self, grantee: iam.IGrantable) -> None:
        """Allow use of the key: access to encrypted data needs the key as well."""
        if self.own:
            self.own.grant(
                grantee,
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:Encrypt",
                "kms:GenerateDataKey",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
            )

    def let_send(self, principals: Sequence[iam.AccountPrincipal]) -> None:
        """Let other accounts send to the queues under the key."""
        self._add("Senders", principals, _ENCRYPT, None)

    def let_service_send(self, service: str) -> None:
        """Let an AWS service send to the queues under the key, on behalf of this account."""
        if service not in self._served:
            self._served.add(service)
            account = {"StringEquals": {"aws:SourceAccount": self._stack.account}}
            self._add(service.split(".", 1)[0].capitalize(), [iam.ServicePrincipal(service)], _ENCRYPT, account)

    def _let_logs(self) -> None:
        groups = self._stack.format_arn(service="logs", resource="log-group:*")
        self._add(
            "Logs",
            [iam.ServicePrincipal(f"logs.{self._stack.region}.amazonaws.com")],
            ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
            {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
        )

    def _add(
        self,
        sid: str,
        principals: Sequence[iam.IPrincipal],
        actions: list[str],
        conditions: dict[str, dict[str, str]] | None,
    ) -> None:
        if self._made:
            self._made.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=sid, principals=list(principals), actions=actions, resources=["*"], conditions=conditions
                )
            )
