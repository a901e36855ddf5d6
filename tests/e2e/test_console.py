"""The console as it is deployed: a real sign-in with PKCE, and routes that the gateway itself closes."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest

from holdfast.console.page import Page as Files
from holdfast.core.authoring.campaign import Campaign
from holdfast_cli.console import console_of
from holdfast_cli.console_server import Server, Session
from holdfast_cli.stack import Deployment
from holdfast_cli.watching import tap
from tests.e2e.test_deployed import a_campaign, hear, publish, send
from tests.e2e.test_set_aside import run
from tests.eventually import eventually
from tests.integration.test_console import api, changes

PASSWORD = "Correct-horse-battery-9"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """A redirect is an answer to look at."""


_opener = urllib.request.build_opener(_Stay, urllib.request.ProxyHandler({}))


def fetch(url: str, data: bytes | None = None, method: str | None = None, **headers: str) -> Answer:
    request = urllib.request.Request(url, data, {k.replace("_", "-"): v for k, v in headers.items()}, method=method)
    try:
        with _opener.open(request, timeout=60) as answer:
            return Answer(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, dict(error.headers), error.read())


@dataclass(frozen=True)
class Page:
    """The console's address, and whoever sits in front of it."""

    url: str

    def sign_in(self, name: str, password: str = PASSWORD) -> dict[str, Any]:
        """As the page does: authorization code with PKCE, by the hosted page's own form."""
        auth = fetch(self.url + "config.json").json["auth"]
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": auth["client_id"],
            "redirect_uri": self.url,
            "scope": " ".join(auth["scopes"]),
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        form = fetch(f"{auth['authorize_url']}?{urlencode(query)}").body.decode()
        fields = {m[1]: html.unescape(m[2]) for m in re.finditer(r'name="([^"]+)" value="([^"]*)"', form)}
        action = re.search(r'action="([^"]+)"', form)
        assert action is not None
        sent = urlencode({**fields, "username": name, "password": password}).encode()
        back = fetch(urljoin(auth["authorize_url"], action[1]), sent).headers["Location"]
        assert back.startswith(self.url)
        token = {
            "grant_type": "authorization_code",
            "client_id": auth["client_id"],
            "code": parse_qs(urlsplit(back).query)["code"][0],
            "redirect_uri": self.url,
            "code_verifier": verifier,
        }
        found: dict[str, Any] = fetch(auth["token_url"], urlencode(token).encode()).json
        return found

    def ask(self, method: str, path: str, token: str | None, body: object = None) -> Answer:
        data = json.dumps({} if body is None else body).encode() if method == "POST" else None
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return fetch(self.url + path.lstrip("/"), data, method, content_type="application/json", **headers)


@pytest.fixture(scope="session")
def page(shared: Deployment) -> Page:
    return Page(shared.outputs["ConsoleUrl"])


@pytest.fixture(scope="session")
def token(shared: Deployment, page: Page) -> Callable[[str], str]:
    """The access token of somebody in a group; they signed in for it."""

    @cache
    def of(group: str) -> str:
        name = f"{group}-{secrets.token_hex(3)}"
        run("console", "user", "add", name, "--group", group)
        shared.client("cognito-idp").admin_set_user_password(
            UserPoolId=shared.outputs["ConsoleUserPoolId"], Username=name, Password=PASSWORD, Permanent=True
        )
        return str(page.sign_in(name)["access_token"])

    return of


def forged(token: str) -> str:
    """The same claims with another group, under the old signature."""
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["cognito:groups"] = ["editor"]
    return ".".join([header, base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode(), signature])


def unsigned(token: str) -> str:
    _, payload, _ = token.split(".")
    return base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode() + f".{payload}."


@pytest.mark.parametrize("route", api())
def test_a_route_without_a_token_is_closed_by_the_gateway(page: Page, route: tuple[str, str]) -> None:
    answer = page.ask(*route, None)
    assert answer.status == 401
    assert answer.json == {"message": "Unauthorized"}  # the gateway's words: the function was not asked


@pytest.mark.parametrize("route", api())
def test_a_route_with_a_forged_token_is_closed_by_the_gateway(
    page: Page, token: Callable[[str], str], route: tuple[str, str]
) -> None:
    for wrong in (forged(token("viewer")), unsigned(token("viewer")), "x.y.z"):
        answer = page.ask(*route, wrong)
        assert answer.status == 401
        assert answer.json == {"message": "Unauthorized"}


@pytest.mark.parametrize("route", api())
def test_a_viewers_token_opens_what_changes_nothing(
    page: Page, token: Callable[[str], str], route: tuple[str, str]
) -> None:
    answer = page.ask(*route, token("viewer"))
    assert (answer.status == 403) == changes(route)
    assert answer.status != 401
    assert answer.status < 500


def test_the_page_and_its_settings_need_no_token_and_nothing_from_elsewhere(page: Page) -> None:
    answer = fetch(page.url)
    assert answer.status == 200
    headers = {name.lower(): value for name, value in answer.headers.items()}
    host = "http://" + urlsplit(page.url).netloc
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert f"connect-src 'self' {host};" in headers["content-security-policy"]
    document = answer.body.decode()
    assert not re.search(r"(src|href)=\"(https?:)?//", document)
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", document)
    for path in re.findall(r"(?:src|href)=\"(assets/[^\"]+)\"", document):
        asset = fetch(page.url + path)
        assert asset.status == 200
        assert "immutable" in {name.lower(): value for name, value in asset.headers.items()}["cache-control"]


def test_an_editor_publishes_previews_and_tries_out_what_a_rule_then_gets(
    deployed: Deployment, page: Page, token: Callable[[str], str]
) -> None:
    campaign = a_campaign()
    source = json.dumps(campaign.model_dump(by_alias=True, mode="json", exclude_unset=True))
    editor = token("editor")
    occurrence = {"user": "ann", "event": {"product": "coat"}, "profile": {"first_name": "Ann"}}
    path = f"/api/campaigns/{campaign.id}"
    assert page.ask("POST", f"{path}/publish", editor, {"source": source, "seen_revision": 0}).json["revision"] == 1
    assert page.ask("POST", f"{path}/publish", editor, {"source": source + " ", "seen_revision": 0}).status == 409
    shown = page.ask("POST", "/api/preview", editor, {"source": source, **occurrence}).json
    assert shown["values"]["title"]["text"] == "Ann, your coat"
    with tap(deployed) as tapped:
        assert page.ask("POST", f"{path}/test-send", editor, occurrence).status == 200
        (event,) = hear(tapped, campaign.id, 1)
    assert event["detail-type"] == "Personalized Message Test"
    assert event["detail"]["metadata"]["test"] is True


def test_what_is_delivered_is_counted(deployed: Deployment, page: Page, token: Callable[[str], str]) -> None:
    campaign = a_campaign()
    publish(deployed, campaign)
    with tap(deployed) as tapped:
        send(deployed, {"user": "sue", "event": f"{campaign.id} added", "product": "coat"})
        hear(tapped, campaign.id, 1)

    def look() -> tuple[Any, Any]:
        """By the page and by the command. It is counted after it was put on the bus."""
        told = page.ask("GET", "/api/stats?days=2", token("viewer"), None).json["campaigns"].get(campaign.id)
        return told, next((row for row in run("stats", "--days", "2") if row["campaign"] == campaign.id), None)

    def counted(found: tuple[Any, Any]) -> bool:
        """Both by the same days: between the two, a day may have begun."""
        numbers, row = found
        return bool(numbers and row and sum(numbers["sent"]) and row["sent"] == numbers["sent"])

    numbers, row = eventually(look, counted)
    assert (sum(numbers["sent"]), numbers["top"]) == (1, [{"value": "coat", "count": 1}])
    assert row["sent"] == numbers["sent"]


@pytest.fixture
def served(deployed: Deployment, tmp_path: Any) -> Iterator[Server]:
    """`holdfast console`, with a page of one line."""
    (tmp_path / "index.html").write_text("<!doctype html>")
    with Server(console_of(deployed, Files(tmp_path)), Session()) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def test_on_ones_own_machine_a_link_lets_one_in_once(served: Server) -> None:
    link = served.link()
    address, _, once = link.partition("#token=")
    first = fetch(address + "session", json.dumps({"token": once}).encode())
    assert first.status == 200
    assert fetch(address + "session", json.dumps({"token": once}).encode()).status == 403
    me = fetch(address + "api/me", authorization=f"Bearer {first.json['bearer']}")
    assert me.json["may_edit"] is True
    assert fetch(address + "config.json").json["auth"] == {"kind": "token"}


@pytest.mark.parametrize("route", api())
def test_on_ones_own_machine_no_route_opens_without_the_sessions_token(served: Server, route: tuple[str, str]) -> None:
    page = Page(served.origin + "/")
    for wrong in (None, "x", served.session.link()):  # a link's token is no bearer
        assert page.ask(*route, wrong).status == 401


def test_a_page_elsewhere_that_calls_itself_127_0_0_1_gets_nothing(served: Server) -> None:
    once = served.session.link()
    for host in ("evil.example", f"evil.example:{served.server_port}", "127.0.0.1"):
        answer = fetch(f"{served.origin}/session", json.dumps({"token": once}).encode(), host=host)
        assert answer.status == 421
    assert served.session.use_link(once) is not None


def test_a_campaign_from_the_form_is_the_campaign_from_the_file(page: Page, token: Callable[[str], str]) -> None:
    campaign = a_campaign().model_dump(by_alias=True, mode="json", exclude_unset=True)
    checked = page.ask("POST", "/api/check", token("viewer"), {"campaign": campaign}).json
    again = page.ask("POST", "/api/check", token("viewer"), {"source": checked["source"]}).json
    assert Campaign.model_validate(again["campaign"]) == Campaign.model_validate(campaign)
