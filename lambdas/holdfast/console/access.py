"""Rights of users. The gateway has checked the token; its content is checked here. A user without a group may do
nothing. Rights follow from method and path alone: a route that is added needs an editor until it is listed here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from holdfast.console.answers import Refused

VIEWER = "viewer"
EDITOR = "editor"

PURE = {f"/api/{name}" for name in ("check", "preview", "diff", "match", "suggestions", "tail", "policy/check")}
"""POST routes that viewers have: what they ask about is too long, or too private, for an address. They change nothing;
but `tail` lets join note, for ten minutes at most, who follows. Values are shown by it to editors only.
"""


class Person(NamedTuple):
    name: str
    groups: frozenset[str]

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Self:
        """The user whose token the gateway has accepted. Raises Refused."""
        claims = event["requestContext"].get("authorizer", {}).get("jwt", {}).get("claims")
        if not claims or claims.get("token_use") != "access":  # an id token tells who, and is no key
            raise Refused(401, "unauthenticated", "Sign in first.")
        return cls(str(claims.get("username") or claims.get("sub", "")), _groups(claims.get("cognito:groups")))

    @property
    def may_view(self) -> bool:
        return bool(self.groups & {VIEWER, EDITOR})

    @property
    def may_edit(self) -> bool:
        return EDITOR in self.groups

    def demand(self, method: str, path: str) -> None:
        """Raises Refused."""
        if not self.may_view:
            raise Refused(
                403,
                "forbidden",
                f"You are in no group that may see this: ask an administrator for {VIEWER} or {EDITOR}.",
            )
        if method not in {"GET", "HEAD"} and path not in PURE:
            self.demand_editor()

    def demand_editor(self) -> None:
        """Raises Refused."""
        if not self.may_edit:
            raise Refused(403, "forbidden", f"Only the group {EDITOR} may do that, and you are a {VIEWER}.")


def _groups(claim: object) -> frozenset[str]:
    """API Gateway writes a list in a claim as the text `[editor viewer]`."""
    names = claim if isinstance(claim, list) else re.split(r"[\s,]+", str(claim or "").strip("[]"))
    return frozenset(str(name) for name in names if name)
