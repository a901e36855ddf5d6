"""The data that a preview takes from a stage: campaigns, the user, and what messages look up."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.aws.tables.campaigns import UnknownCampaign
from holdfast.core.fold.watches import Decision
from holdfast.core.gate.policy import Policy
from holdfast.core.messages.detail import Found
from holdfast.core.messages.rendering import ToRender, rendered_by
from holdfast.core.plans.plan import Plan
from holdfast.core.recommend.ranking import Recommender
from holdfast.services.publishing import plan_of
from holdfast.services.user_data import Known, read_user
from holdfast_cli.campaigns import campaigns
from holdfast_cli.catalogs import lookup
from holdfast_cli.output import Failure
from holdfast_cli.policies import live_policy
from holdfast_cli.stack import Deployment
from holdfast_cli.users import users


class AtStage:
    def __init__(self, stage: str) -> None:
        """Raises DeploymentNotFound."""
        self._deployment = Deployment.find(stage)
        self._campaigns = campaigns(self._deployment)

    def next_revision(self, campaign: str) -> int:
        """The revision that a file of this campaign would have if it were published now."""
        try:
            return self._campaigns.get(campaign).plan.revision + 1
        except UnknownCampaign:
            return 1

    def live(self, campaign: str) -> Plan:
        try:
            return self._campaigns.get(campaign).plan
        except UnknownCampaign as error:
            raise Failure(f"There is neither a file nor a campaign {error}. See: holdfast campaign list") from None

    def user(self, user: str) -> Known:
        return read_user(users(self._deployment), user)

    def recommenders(self, plan: Plan) -> Mapping[str, Recommender]:
        """The live recommenders; nothing is read for a plan without recommendations."""
        return self._campaigns.plans().recommenders if plan.recommendations else {}

    def found(self, message: ToRender, recommenders: Mapping[str, Recommender]) -> Found:
        return lookup(self._deployment).rows(recommenders)({0: message})(0)

    def policy(self) -> Policy:
        return live_policy(self._deployment)

    def rendered_by(self, decision: Decision, plan: Plan) -> Plan:
        return rendered_by(decision, plan, plan_of(self._campaigns))
