"""`holdfast console user …`: who may sign in to the deployed console."""

from __future__ import annotations

import secrets
import string
from enum import StrEnum
from typing import Annotated, Any

import typer

from holdfast.console.access import EDITOR, VIEWER
from holdfast_cli.output import Failure, Json, Stage, err, out, print_json, print_rows
from holdfast_cli.stack import Deployment

app = typer.Typer(no_args_is_help=True, help="Manage who may sign in to the deployed console: add, list, remove.")

Name = Annotated[str, typer.Argument(help="The name to sign in with.", show_default=False)]


class Group(StrEnum):
    VIEWER = VIEWER
    EDITOR = EDITOR


class People:
    """The user pool."""

    def __init__(self, deployment: Deployment) -> None:
        if "ConsoleUserPoolId" not in deployment.outputs:
            raise Failure(f"Stage {deployment.stage} was deployed without the console (-c console=false).")
        self._cognito: Any = deployment.client("cognito-idp")
        self._pool = deployment.outputs["ConsoleUserPoolId"]

    def add(self, name: str, group: Group, email: str, password: str) -> bool:
        """Whether they are new; who is there already only changes their group."""
        mail = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}] if email else []
        invited = {"DesiredDeliveryMediums": ["EMAIL"]} if email else {"MessageAction": "SUPPRESS"}
        try:
            self._cognito.admin_create_user(
                UserPoolId=self._pool, Username=name, TemporaryPassword=password, UserAttributes=mail, **invited
            )
            new = True
        except self._cognito.exceptions.UsernameExistsException:
            new = False
        for other in Group:
            member = {"UserPoolId": self._pool, "Username": name, "GroupName": other.value}
            if other is group:
                self._cognito.admin_add_user_to_group(**member)
            elif not new:
                self._cognito.admin_remove_user_from_group(**member)
        return new

    def remove(self, name: str) -> None:
        """Tokens that they have already are good for an hour at most."""
        try:
            self._cognito.admin_user_global_sign_out(UserPoolId=self._pool, Username=name)
            self._cognito.admin_delete_user(UserPoolId=self._pool, Username=name)
        except self._cognito.exceptions.UserNotFoundException:
            raise Failure(f"There is no user {name}. See: holdfast console user list") from None

    def all(self) -> list[dict[str, Any]]:
        groups: dict[str, list[str]] = {}
        for group in Group:
            pages = self._cognito.get_paginator("list_users_in_group").paginate(
                UserPoolId=self._pool, GroupName=group.value
            )
            for user in (user for page in pages for user in page["Users"]):
                groups.setdefault(user["Username"], []).append(group.value)
        pages = self._cognito.get_paginator("list_users").paginate(UserPoolId=self._pool)
        return [
            {
                "name": user["Username"],
                "groups": groups.get(user["Username"], []),
                "status": user["UserStatus"],
                "email": next((each["Value"] for each in user["Attributes"] if each["Name"] == "email"), None),
            }
            for page in pages
            for user in page["Users"]
        ]


@app.command()
def add(
    name: Name,
    *,
    group: Annotated[
        Group, typer.Option("--group", "-g", help="The group: viewers look, editors change things.")
    ] = Group.VIEWER,
    email: Annotated[str, typer.Option(help="The address to which Cognito sends the invitation.")] = "",
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Let somebody sign in, or change the group of somebody who may already.

    Without --email a password is printed for you to pass on: good for three days, and replaced at the first sign-in.

    Example: `holdfast console user add ann@example.com --stage prod`
    """
    deployment = Deployment.find(stage)
    password = _password()
    new = People(deployment).add(name, group, email, password)
    told = password if new and not email else None
    if json:
        row = {"name": name, "group": group.value, "new": new, "url": deployment.outputs["ConsoleUrl"]}
        print_json(row | ({"password": told} if told else {}))
        return
    out.print(f"[green]✓[/] {name} is {'an editor' if group is Group.EDITOR else 'a viewer'}", soft_wrap=True)
    out.print(f"  {deployment.outputs['ConsoleUrl']}", markup=False)
    if told:
        out.print(f"  first password: {told}", markup=False)
    elif new:
        err.print(f"[dim]Cognito sends the invitation to {email}.[/]")


@app.command("list")
def list_(*, stage: Stage = "local", json: Json = False) -> None:
    """List who may sign in."""
    rows = People(Deployment.find(stage)).all()
    if rows or json:
        print_rows(rows, ["name", "groups", "status", "email"], as_json=json)
    else:
        out.print("Nobody yet. Add somebody with: holdfast console user add NAME --group editor")


@app.command()
def remove(name: Name, *, stage: Stage = "local", json: Json = False) -> None:
    """Remove somebody, who can then no longer sign in."""
    People(Deployment.find(stage)).remove(name)
    if json:
        print_json({"name": name, "removed": True})
    else:
        out.print(f"[green]✓[/] {name} is removed; a session that is open ends within the hour")


def _password() -> str:
    """A password with all the kinds of characters that the pool demands."""
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "-_.!")
    letters = [secrets.choice(kind) for kind in kinds for _ in range(5)]
    return "".join(secrets.SystemRandom().sample(letters, len(letters)))
