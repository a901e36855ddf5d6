"""The web page and its HTTP API, for the users in the user pool."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import (
    Acknowledgment,
    AssetHashType,
    BundlingOptions,
    DockerImage,
    Duration,
    Fn,
    ILocalBundling,
    Stack,
    Validations,
)
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_events as eventbridge
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from holdfast.aws.settings import ConsoleSettings
from holdfast.aws.tables.activity import ACTIVITY
from holdfast.aws.tables.published import TIMELINE
from holdfast.console.access import EDITOR, VIEWER
from holdfast.console.page import FOLDER
from holdfast_cli.outputs import Outputs
from infra.buckets import acknowledge_objects
from infra.deliver import Deliver
from infra.dependencies import CONSOLE_REQUIREMENTS, DependenciesLayer
from infra.function import HoldfastFunction
from infra.key import Key
from infra.page import SOURCES, build_page, key
from infra.queues import EventsQueue
from infra.stages import Stage
from infra.tables import Tables

_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "method": "$context.httpMethod",
    "path": "$context.path",  # without the query, which may name a user
    "status": "$context.status",
    "milliseconds": "$context.responseLatency",
    "who": "$context.authorizer.claims.sub",
    "error": "$context.error.message",
    "integrationError": "$context.integrationErrorMessage",
}
WRITTEN = ["live", "campaign#*", "policy", TIMELINE, ACTIVITY]
"""The partitions of the campaigns table that the console writes to."""


class Console(Construct):
    """One function serves the page and the API.

    The page is a few files of a hundred and some kilobytes in all, requested by a handful of people and cached by their
    browsers. S3 and CloudFront would add a distribution, an origin policy, a second origin for the API (or behaviours
    that unite the two) and minutes to each deployment, and would save nothing measurable.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        layer: lambda_.ILayerVersion,
        events: EventsQueue,
        tables: Tables,
        deliver: Deliver,
        bus: eventbridge.IEventBus,
    ) -> None:
        super().__init__(scope, construct_id)
        self.api = apigateway.HttpApi(
            self,
            "Api",
            api_name=f"holdfast-{stage.name}",
            description="Holdfast: the console and its API",
            create_default_stage=False,
        )
        self._host = _embedded_host(self.api) if stage.embedded else None
        embedded, own = f"{self._host}/_aws/execute-api/{self.api.api_id}/$default/", f"{self.api.api_endpoint}/"
        self.url = embedded if self._host else own
        self.users, self.client, sign_in_url = self._sign_in(stage)
        self.function = HoldfastFunction(
            self,
            "Function",
            stage=stage,
            key=tables.key,
            service="console",
            description="Holdfast: the console's page and its API",
            layer=layer,
            memory_mb=1024,
            timeout=Duration.seconds(29),  # an HTTP API waits thirty seconds
            settings=ConsoleSettings(
                stage=stage.name,
                users_table=tables.users.table_name,
                campaigns_table=tables.campaigns.table_name,
                catalog_table=tables.catalog.table_name,
                events_queue_url=events.queue.queue_url,
                rejected_queue_url=events.rejected.queue_url,
                undelivered_queue_url=deliver.undelivered.queue_url,
                deliver_function=deliver.function.function_name,
                bus_name=bus.event_bus_name,
                source=stage.source,
                sign_in_url=sign_in_url,
                client_id=self.client.user_pool_client_id,
            ),
        )
        self.function.add_layers(
            DependenciesLayer(self, "Dependencies", stage=stage, requirements=CONSOLE_REQUIREMENTS).version,
            _page_layer(self, stage),
        )
        self._allow(events, tables, deliver, bus)
        self._routes()
        self._publish(stage, tables.key)

    @property
    def outputs(self) -> Outputs:
        return {
            "ConsoleUrl": self.url,
            "ConsoleUserPoolId": self.users.user_pool_id,
            "ConsoleClientId": self.client.user_pool_client_id,
            "ConsoleFunctionName": self.function.function_name,
        }

    def _allow(self, events: EventsQueue, tables: Tables, deliver: Deliver, bus: eventbridge.IEventBus) -> None:
        may = self.function.may
        may(["dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan"], on=[tables.users.table_arn])
        may(["dynamodb:GetItem", "dynamodb:Query"], on=[tables.campaigns.table_arn])
        may(
            ["dynamodb:PutItem"],
            on=[tables.campaigns.table_arn],
            provided={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": WRITTEN}},
        )
        may(
            ["dynamodb:DeleteItem"],
            on=[tables.campaigns.table_arn],
            provided={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["live", "tail#*"]}},
        )
        # Who is watching is stored beside the epoch.
        may(
            ["dynamodb:UpdateItem"],
            on=[tables.campaigns.table_arn],
            provided={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["timeline"]}},
        )
        may(["dynamodb:BatchGetItem", "dynamodb:Query"], on=[tables.catalog.table_arn])
        queues = [events.rejected.queue_arn, deliver.undelivered.queue_arn]
        may(
            [
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ReceiveMessage",
            ],
            on=queues,
        )
        may(["sqs:SendMessage"], on=[events.queue.queue_arn])
        may(["lambda:InvokeFunction"], on=[deliver.function.function_arn])
        may(["events:PutEvents"], on=[bus.event_bus_arn])
        # Records that the stream gave up on: read, delivered again, and removed.
        may(["s3:DeleteObject", "s3:GetObject"], on=[deliver.given_up.arn_for_objects("*")])
        acknowledge_objects(
            self.function.role_of_its_own, deliver.given_up, [""], "Lambda names the objects after shards and times."
        )

    def _routes(self) -> None:
        """The authorizer protects all of the API, whatever routes the function has: no route can be forgotten here."""
        integration = integrations.HttpLambdaIntegration("Integration", self.function)
        signed_in = authorizers.HttpUserPoolAuthorizer(
            "SignedIn", self.users, user_pool_clients=[self.client], identity_source=["$request.header.Authorization"]
        )
        methods = [apigateway.HttpMethod.GET, apigateway.HttpMethod.POST]
        self.api.add_routes(path="/api/{proxy+}", methods=methods, integration=integration, authorizer=signed_in)
        for path in ("/", "/{proxy+}"):
            for route in self.api.add_routes(path=path, methods=[apigateway.HttpMethod.GET], integration=integration):
                Validations.of(route).acknowledge(
                    Acknowledgment(
                        id="AwsSolutions-APIG4",
                        reason="The page itself, which holds no data: it has to be there before anybody can sign in.",
                    )
                )

    def _publish(self, stage: Stage, key: Key) -> None:
        log = logs.LogGroup(
            self,
            "AccessLog",
            retention=stage.log_retention,
            encryption_key=key.own,
            removal_policy=stage.removal_policy,
        )
        apigateway.CfnStage(
            self,
            "Stage",
            api_id=self.api.api_id,
            stage_name="$default",
            auto_deploy=True,
            default_route_settings=apigateway.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=stage.console_rate, throttling_burst_limit=2 * stage.console_rate
            ),
            access_log_settings=apigateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=log.log_group_arn, format=json.dumps(_ACCESS_LOG)
            ),
        )

    def _sign_in(self, stage: Stage) -> tuple[cognito.UserPool, cognito.UserPoolClient, str]:
        """The pool, its one public client, and the address of the hosted sign-in. Nobody can sign up by themselves."""
        users = cognito.UserPool(
            self,
            "Users",
            self_sign_up_enabled=False,
            sign_in_aliases=cognito.SignInAliases(username=True, email=True),
            sign_in_case_sensitive=False,
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            mfa=stage.mfa,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            password_policy=cognito.PasswordPolicy(
                min_length=12,
                require_digits=True,
                require_lowercase=True,
                require_symbols=True,
                require_uppercase=True,
                temp_password_validity=Duration.days(3),
            ),
            deletion_protection=stage.locked,
            removal_policy=stage.removal_policy,
        )
        for name, told in ((VIEWER, "sees campaigns, previews and users"), (EDITOR, "changes what is live, too")):
            cognito.CfnUserPoolGroup(
                self, name.capitalize(), user_pool_id=users.user_pool_id, group_name=name, description=told
            )
        client = users.add_client(
            "Page",
            generate_secret=False,  # a page cannot keep a secret: it uses PKCE
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=[cognito.OAuthScope.OPENID],
                callback_urls=[self.url],
                logout_urls=[self.url],
            ),
            supported_identity_providers=[cognito.UserPoolClientIdentityProvider.COGNITO],
            prevent_user_existence_errors=True,
            access_token_validity=Duration.hours(1),
            id_token_validity=Duration.hours(1),
            refresh_token_validity=Duration.hours(12),
            enable_token_revocation=True,
        )
        # The name is unique among all of a region's pools, so it contains a part of the stack's id.
        unique = Fn.select(0, Fn.split("-", Fn.select(2, Fn.split("/", Stack.of(self).stack_id))))
        domain = cognito.CfnUserPoolDomain(
            self, "Domain", user_pool_id=users.user_pool_id, domain=f"holdfast-{stage.name}-{unique}"
        )
        plan = "Threat protection needs Cognito's Plus plan, at a price for each user: switch it on where it is wanted."
        Validations.of(users).acknowledge(
            Acknowledgment(id="AwsSolutions-COG3", reason=plan),
            Acknowledgment(id="AwsSolutions-COG8", reason=plan),
            Acknowledgment(id="AwsSolutions-COG2", reason="Production demands a second factor; dev leaves it open."),
        )
        url = self._host or f"https://{domain.domain}.auth.{Stack.of(self).region}.amazoncognito.com"
        return users, client, url


def _embedded_host(api: apigateway.HttpApi) -> str:
    """The one address of the embedded AWS, which serves its APIs and its hosted sign-in. The API knows its port."""
    return f"http://127.0.0.1:{Fn.select(2, Fn.split(':', api.api_endpoint))}"


def _page_layer(scope: Construct, stage: Stage) -> lambda_.LayerVersion:
    """A layer, so that the function's own code stays the one asset that all functions have."""
    return lambda_.LayerVersion(
        scope,
        "PageLayer",
        description="The page of Holdfast's console",
        removal_policy=stage.removal_policy,
        code=lambda_.Code.from_asset(
            str(SOURCES),
            asset_hash_type=AssetHashType.CUSTOM,
            asset_hash=key(),
            bundling=BundlingOptions(image=DockerImage.from_registry("unused"), local=_Page()),
        ),
    )


@jsii.implements(ILocalBundling)
class _Page:
    def try_bundle(self, output_dir: str, *_options: Any, **_more: Any) -> bool:
        shutil.copytree(build_page(), Path(output_dir) / "python" / FOLDER)
        return True
