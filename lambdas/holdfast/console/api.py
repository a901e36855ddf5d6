"""The routes of the console's API. Each is checked by Pydantic, asks the desk, and is in the OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any, Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer
from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query

from holdfast.console import policy
from holdfast.console.access import Person
from holdfast.console.answers import Refused
from holdfast.console.desk.desk import Desk
from holdfast.console.models.campaigns import (
    Activity,
    Checked,
    Deleted,
    Diff,
    Listed,
    Publish,
    Published,
    Rollback,
    Seen,
    Shown,
)
from holdfast.console.models.drafts import Drafted
from holdfast.console.models.known import Catalogs, LookOn, Me, Recommendations, SeenNames, Sources, Suggested, Tailed
from holdfast.console.models.messages import Explained, Matched, Occurrence, Previewed, Samples, Tested
from holdfast.console.models.numbers import Behind, Statistics
from holdfast.console.models.policy import PolicyChecked, PolicyPublished, PolicyShown, PolicyText, PublishPolicy
from holdfast.console.models.queues import Chosen, Counts, Discarded, Queued, Redriven
from holdfast.core.messages.statistics import MAX_LENGTH
from holdfast.services.behind import Asked, Kind

TITLE: Final = "Holdfast console"
VERSION: Final = "1"

Id = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="The campaign's id.")]
Name = Annotated[str, Path(description="rejected or undelivered")]


def routes(desk: Callable[[], Desk]) -> APIGatewayHttpResolver:
    """All routes of the API, about the desk that is asked for when a request comes."""
    app = APIGatewayHttpResolver(enable_validation=True)
    app.configure_openapi(
        title=TITLE,
        version=VERSION,
        description='Campaigns, messages and users of one stage. Errors are `{"error": {"code", "message", …}}`.',
        security_schemes={"token": HTTPBearer(bearerFormat="JWT")},
        security=[{"token": []}],
    )
    _errors(app)
    _campaigns(app, desk)
    _messages(app, desk)
    _known(app, desk)
    _offered(app, desk)
    _tail(app, desk)
    _became(app, desk)
    _queues(app, desk)
    _policy(app, desk)
    return app


def document() -> str:
    """The OpenAPI document as it stands in its file."""

    def no_desk() -> Desk:
        raise LookupError("only described")

    return json.dumps(_openapi(routes(no_desk)), indent=2, ensure_ascii=False) + "\n"


def _openapi(app: APIGatewayHttpResolver) -> dict[str, Any]:
    described: dict[str, Any] = json.loads(app.get_openapi_json_schema())
    return described


def _campaigns(app: APIGatewayHttpResolver, desk: Callable[[], Desk]) -> None:
    @app.get("/api/campaigns", summary="The live revision of every campaign")
    def list_campaigns() -> Listed:
        return desk().list_campaigns()

    @app.get("/api/campaigns/<campaign>", summary="A campaign as it is live, or an old revision of it")
    def show(campaign: Id, revision: Annotated[int | None, Query(ge=1)] = None) -> Shown:
        return desk().show(campaign, revision)

    @app.post("/api/check", summary="The content of a campaign, and every mistake in it; from file to JSON, and back")
    def check(asked: Annotated[Drafted, Body()]) -> Checked:
        return desk().check(asked)

    @app.post("/api/diff", summary="The effect of publishing it, also on the watches that are open now")
    def diff(asked: Annotated[Drafted, Body()]) -> Diff:
        return desk().diff(asked)

    @app.post("/api/campaigns/<campaign>/publish", summary="Publish it, if the revision that was seen is still live")
    def publish(campaign: Id, asked: Annotated[Publish, Body()]) -> Published:
        return desk().publish(campaign, asked, _person(app).name)

    @app.post("/api/campaigns/<campaign>/pause", summary="Withhold due messages")
    def pause(campaign: Id, asked: Annotated[Seen, Body()]) -> Published:
        return desk().pause(campaign, asked, _person(app).name, paused=True)

    @app.post("/api/campaigns/<campaign>/resume", summary="Send again")
    def resume(campaign: Id, asked: Annotated[Seen, Body()]) -> Published:
        return desk().pause(campaign, asked, _person(app).name, paused=False)

    @app.post("/api/campaigns/<campaign>/delete", summary="Stop watching for it; open watches are withheld")
    def delete(campaign: Id, asked: Annotated[Seen, Body()]) -> Deleted:
        return desk().delete(campaign, asked, _person(app).name)

    @app.post("/api/campaigns/<campaign>/rollback", summary="Publish an old revision as a new one")
    def rollback(campaign: Id, asked: Annotated[Rollback, Body()]) -> Published:
        return desk().rollback(campaign, asked, _person(app).name)


def _messages(app: APIGatewayHttpResolver, desk: Callable[[], Desk]) -> None:
    @app.post("/api/preview", summary="The message that a user would get, and where each value comes from")
    def preview(asked: Annotated[Occurrence, Body()]) -> Previewed:
        return desk().preview(asked)

    @app.post("/api/match", summary="Whether sample events agree in the constant property")
    def match(asked: Annotated[Samples, Body()]) -> Matched:
        return Matched.model_validate(desk().match(asked))

    @app.post("/api/campaigns/<campaign>/test-send", summary="Put the message on the bus, marked as a test")
    def test_send(campaign: Id, asked: Annotated[Occurrence, Body()]) -> Tested:
        return desk().test_send(campaign, asked, _person(app).name)


def _known(app: APIGatewayHttpResolver, desk: Callable[[], Desk]) -> None:
    @app.get("/api/me", summary="The signed-in user, and their rights")
    def me() -> Me:
        person = _person(app)
        return Me(name=person.name, groups=sorted(person.groups), may_edit=person.may_edit, stage=desk().stage)

    @app.get("/api/activity", summary="Who did what, the newest first")
    def activity() -> Activity:
        return desk().acts()

    @app.get("/api/openapi.json", summary="This document")
    def describe() -> dict[str, Any]:
        return _openapi(app)

    @app.get("/api/seen", summary="Names and types of events' and profiles' properties, as they were seen")
    def seen() -> SeenNames:
        return desk().seen()

    @app.post("/api/suggestions", summary="Names for the templates of a campaign")
    def suggest(asked: Annotated[Drafted, Body()]) -> Suggested:
        return desk().suggest(asked)


def _became(app: APIGatewayHttpResolver, desk: Callable[[], Desk]) -> None:
    @app.get("/api/stats", summary="Outcomes of each campaign's messages, by day")
    def statistics(days: Annotated[int, Query(ge=1, le=90)] = 14) -> Statistics:
        return desk().count(days)

    @app.get("/api/campaigns/<campaign>/users", summary="Users behind a campaign's numbers, as far as states say so")
    def users(
        campaign: Id, of: Annotated[Kind, Query()], reason: Annotated[str, Query(max_length=MAX_LENGTH)] = ""
    ) -> Behind:
        return desk().behind(Asked(campaign, of, reason))

    @app.get("/api/explain", summary="Why a user did, did not, or will get a message")
    def explain(
        user: Annotated[str, Query(min_length=1, max_length=1024)],
        zone: Annotated[str, Query(max_length=100)] = "UTC",
    ) -> Explained:
        return desk().explain(user, zone, _person(app))


def _tail(app: APIGatewayHttpResolver, desk: Callable[[], Desk]) -> None:
    @app.post("/api/tail", summary="Records that came in since the last request, while somebody follows")
    def tail(asked: Annotated[LookOn, Body()]) -> Tailed:
        if asked.values:
            _person(app).demand_editor()
        return desk().tail(asked)


def _offered(app: APIGatewayHttpResolver, desk: Callable[[], Desk]) -> None:
    @app.get("/api/catalogs", summary="The catalogs, and their columns")
    def catalogs() -> Catalogs:
        return desk().list_catalogs()

    @app.get("/api/recommendations", summary="The live revision of every recommendation")
    def recommendations() -> Recommendations:
        return desk().list_recommendations()

    @app.get("/api/sources", summary="How bodies of other systems are read: the live revision of every source")
    def sources() -> Sources:
        return desk().list_sources()


def _queues(app: APIGatewayHttpResolver, desk: Callable[[], Desk]) -> None:
    @app.get("/api/queues", summary="Approximate numbers of set-aside messages")
    def count() -> Counts:
        return desk().counts()

    @app.get("/api/queues/<name>", summary="Set-aside messages, by reason")
    def look(name: Name, search: Annotated[str, Query(max_length=200)] = "") -> Queued:
        return desk().look(name, search)

    @app.post("/api/queues/<name>/redrive", summary="Redrive messages, once the cause is fixed")
    def redrive(name: Name, asked: Annotated[Chosen, Body()]) -> Redriven:
        return desk().redrive(name, asked, _person(app).name)

    @app.post("/api/queues/<name>/discard", summary="Delete it for good")
    def discard(name: Name, asked: Annotated[Chosen, Body()]) -> Discarded:
        return desk().discard(name, asked, _person(app).name)


def _policy(app: APIGatewayHttpResolver, desk: Callable[[], Desk]) -> None:
    @app.get("/api/policy", summary="The rules for all campaigns as they are live, or an old revision of them")
    def show(revision: Annotated[int | None, Query(ge=1)] = None) -> PolicyShown:
        return policy.show(desk().policies, revision)

    @app.post("/api/policy/check", summary="Every mistake in a policy file")
    def check(asked: Annotated[PolicyText, Body()]) -> PolicyChecked:
        return policy.check(asked, desk().campaigns)

    @app.post("/api/policy/publish", summary="Publish the policy, if the revision that was seen is still live")
    def publish(asked: Annotated[PublishPolicy, Body()]) -> PolicyPublished:
        return desk().publish_policy(asked, _person(app).name)

    @app.post("/api/policy/rollback", summary="Publish an old revision of the policy as a new one")
    def rollback(asked: Annotated[Rollback, Body()]) -> PolicyPublished:
        return desk().rollback_policy(asked, _person(app).name)


def _person(app: APIGatewayHttpResolver) -> Person:
    return Person.of(app.current_event.raw_event)


def _errors(app: APIGatewayHttpResolver) -> None:
    @app.exception_handler(Refused)  # type: ignore[untyped-decorator]
    def refused(error: Refused) -> Response[str]:
        return _error(error.status, error.body)

    @app.exception_handler(RequestValidationError)  # type: ignore[untyped-decorator]
    def invalid(error: RequestValidationError) -> Response[str]:
        wrong = [{"at": ".".join(map(str, each["loc"])), "message": each["msg"]} for each in error.errors()]
        told = "; ".join(f"{each['at']}: {each['message']}" for each in wrong)
        return _error(422, Refused(422, "request", f"The request is not valid: {told}", wrong=wrong).body)

    @app.not_found
    def nothing(_: object) -> Response[str]:
        return _error(404, Refused(404, "not_found", "The API has no such route.").body)


def _error(status: int, body: dict[str, Any]) -> Response[str]:
    return Response(status, "application/json", json.dumps(body, ensure_ascii=False))
