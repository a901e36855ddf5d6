"""The console in the stack: who gets in, by which routes."""

from __future__ import annotations

from tests.infrastructure.synthesis import (
    FUNCTIONS,
    Stack,
    stack,
)


def test_every_route_of_the_api_demands_a_token_and_only_the_page_does_not(on_aws: Stack) -> None:
    routes = [each["Properties"] for each in on_aws.all("AWS::ApiGatewayV2::Route").values()]
    open_to_all = {each["RouteKey"] for each in routes if each["AuthorizationType"] == "NONE"}
    assert open_to_all == {"GET /", "GET /{proxy+}"}
    signed_in = {each["RouteKey"] for each in routes if each["AuthorizationType"] == "JWT" and each["AuthorizerId"]}
    assert signed_in == {"GET /api/{proxy+}", "POST /api/{proxy+}"}
    authorizer = on_aws.properties("AWS::ApiGatewayV2::Authorizer", "Console")
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]
    assert authorizer["JwtConfiguration"]["Audience"] == [on_aws.outputs["ConsoleClientId"]["Value"]]


def test_the_console_is_throttled_and_leaves_a_log_without_queries(on_aws: Stack) -> None:
    stage = on_aws.properties("AWS::ApiGatewayV2::Stage", "Console")
    assert stage["DefaultRouteSettings"] == {"ThrottlingBurstLimit": 100, "ThrottlingRateLimit": 50}
    assert "query" not in stage["AccessLogSettings"]["Format"].lower()
    assert "sourceIp" not in stage["AccessLogSettings"]["Format"]


def test_people_are_let_in_by_others_with_a_second_factor_and_no_secret_is_in_the_page() -> None:
    prod = stack(stage="prod")
    users = prod.properties("AWS::Cognito::UserPool", "Console")
    assert users["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True
    assert (users["MfaConfiguration"], users["EnabledMfas"]) == ("ON", ["SOFTWARE_TOKEN_MFA"])
    client = prod.properties("AWS::Cognito::UserPoolClient", "Console")
    assert client["GenerateSecret"] is False
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["CallbackURLs"] == client["LogoutURLs"] == [prod.outputs["ConsoleUrl"]["Value"]]
    assert {each["Properties"]["GroupName"] for each in prod.all("AWS::Cognito::UserPoolGroup").values()} == {
        "viewer",
        "editor",
    }


def test_the_console_can_be_left_out() -> None:
    without = stack(stage="prod", console="false")
    for kind in ("AWS::Cognito::UserPool", "AWS::ApiGatewayV2::Api"):
        assert not without.all(kind)
    names = {name for name in FUNCTIONS if any(each.startswith(name) for each in without.all("AWS::Lambda::Function"))}
    assert names == {"Join", "Sweep", "Deliver", "CatalogImport"}
    assert not [name for name in without.outputs if name.startswith("Console")]


def test_only_the_console_and_the_build_carry_what_only_they_need(on_aws: Stack) -> None:
    layers = {name: on_aws.properties("AWS::Lambda::Function", name)["Layers"] for name in FUNCTIONS}
    assert [len(layers[name]) for name in FUNCTIONS] == [1, 1, 1, 1, 2, 3]


def test_apis_of_two_stages_can_be_told_apart() -> None:
    stacks = [stack(stage=stage, recommendations="true") for stage in ("dev", "prod")]
    names = [each.properties("AWS::ApiGatewayV2::Api", "Console")["Name"] for each in stacks]
    assert names == ["holdfast-dev", "holdfast-prod"]
