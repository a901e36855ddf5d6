"""Answers requests: the page's files for anybody, the API for signed-in users."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.aws.bus import Bus
from holdfast.aws.queues import Queue
from holdfast.aws.settings import ConsoleSettings
from holdfast.aws.tables.activity import Activity
from holdfast.aws.tables.campaigns import Campaigns, LivePlans, Policies, Recommendations, Sources
from holdfast.aws.tables.catalog import Catalogs
from holdfast.aws.tables.shapes import Observations
from holdfast.aws.tables.statistics import Statistics
from holdfast.aws.tables.tail import Tails
from holdfast.aws.tables.users import Users
from holdfast.aws.tables.volume import Volumes
from holdfast.aws.telemetry import Logger
from holdfast.console.access import Person
from holdfast.console.answers import Answer, Refused, as_json, content_security_policy, secured
from holdfast.console.api import routes
from holdfast.console.desk.desk import Desk
from holdfast.console.page import Page
from holdfast.services.message_data import Lookup
from holdfast.services.redriving import deliver_again, ended_since, send_again
from holdfast.services.set_aside import SetAside

logger = Logger(child=True)


class Console:
    """`client` makes a client of a service by its name, on the first use of it."""

    def __init__(self, settings: ConsoleSettings, client: Callable[[Any], Any], page: Page) -> None:
        self._settings = settings
        self._client = client
        self._page = page
        self._api = routes(lambda: self.desk)
        origin = urlsplit(settings.sign_in_url)
        self._policy = content_security_policy(*([f"{origin.scheme}://{origin.netloc}"] if origin.netloc else []))

    @cached_property
    def desk(self) -> Desk:
        settings, dynamodb, sqs = self._settings, self._client("dynamodb"), self._client("sqs")
        campaigns = Campaigns(dynamodb, settings.campaigns_table)
        users = Users(dynamodb, settings.users_table)
        send = send_again(Queue(sqs, settings.events_queue_url))
        deliver = deliver_again(
            self._client("lambda"), settings.deliver_function, self._client("s3"), ended_since(users)
        )
        return Desk(
            stage=settings.stage,
            source=settings.source,
            campaigns=campaigns,
            live=LivePlans(campaigns),
            users=users,
            observations=Observations(dynamodb, settings.campaigns_table),
            volumes=Volumes(dynamodb, settings.campaigns_table),
            catalogs=Catalogs(dynamodb, settings.catalog_table),
            lookup=Lookup(dynamodb, settings.users_table, settings.catalog_table),
            policies=Policies(dynamodb, settings.campaigns_table),
            recommendations=Recommendations(dynamodb, settings.campaigns_table),
            sources=Sources(dynamodb, settings.campaigns_table),
            tails=Tails(dynamodb, settings.campaigns_table),
            statistics=Statistics(dynamodb, settings.campaigns_table),
            bus=Bus(self._client("events"), settings.bus_name, settings.source),
            activity=Activity(dynamodb, settings.campaigns_table),
            queues={
                "rejected": SetAside(sqs, settings.rejected_queue_url, send),
                "undelivered": SetAside(sqs, settings.undelivered_queue_url, deliver),
            },
        )

    def answer(self, event: Mapping[str, Any], lambda_context: object) -> Answer:
        """An event of an HTTP API, payload format 2.0."""
        return secured(self._answer(event, lambda_context), self._policy)

    def _answer(self, event: Mapping[str, Any], lambda_context: object) -> Answer:
        method, path = event["requestContext"]["http"]["method"], event["rawPath"]
        try:
            if path.startswith("/api/"):
                Person.of(event).demand(method, path)
                return self._answer_api(event, lambda_context)
            if path == "/config.json":
                return as_json(200, self._config())
            return self._page.answer(method, path, event.get("headers", {}).get("accept-encoding", ""))
        except Refused as refused:
            return as_json(refused.status, refused.body)

    def _answer_api(self, event: Mapping[str, Any], lambda_context: object) -> Answer:
        try:
            answer = self._api.resolve(event, lambda_context)  # type: ignore[arg-type]  # it only hands it on
        except (ClientError, BotoCoreError) as error:
            logger.exception("AWS refused")
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
            raise Refused(502, "aws", f"AWS says: {code}. Try again; if it stays, the log has more.") from None
        headers = {name: values[0] for name, values in answer.pop("multiValueHeaders", {}).items()}
        return {**answer, "headers": {"cache-control": "no-store", **headers, **answer.get("headers", {})}}

    def _config(self) -> dict[str, Any]:
        """The settings that the page needs before anybody has signed in."""
        settings = self._settings
        if not settings.sign_in_url:
            return {"stage": settings.stage, "auth": {"kind": "token"}}
        auth = {
            "kind": "cognito",
            "authorize_url": f"{settings.sign_in_url}/oauth2/authorize",
            "token_url": f"{settings.sign_in_url}/oauth2/token",
            "logout_url": f"{settings.sign_in_url}/logout",
            "client_id": settings.client_id,
            "scopes": ["openid"],
        }
        return {"stage": settings.stage, "auth": auth}
