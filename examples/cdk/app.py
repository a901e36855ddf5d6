"""A CDK app of a shop, with Holdfast in it: reminders go to a queue, and what was taken back to another.

cd examples/cdk && npx cdk deploy
"""

import sys
from pathlib import Path

# The checkout of Holdfast; in a repository of your own, where its submodule is. `make setup` installs what it needs.
HOLDFAST = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(HOLDFAST), str(HOLDFAST / "lambdas"), str(HOLDFAST / "cli")]

import infra  # noqa: E402, F401  (first: it tells jsii which node to start)

# isort: split
from aws_cdk import App, Stack  # noqa: E402
from aws_cdk import aws_events_targets as targets  # noqa: E402
from aws_cdk import aws_iam as iam  # noqa: E402
from aws_cdk import aws_sns as sns  # noqa: E402
from aws_cdk import aws_sqs as sqs  # noqa: E402
from constructs import Construct  # noqa: E402

from infra.stack import Holdfast  # noqa: E402


class Shop(Stack):
    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        on_call = sns.Topic(self, "OnCall", enforce_ssl=True)
        holdfast = Holdfast(self, "Holdfast", stage="prod", console=False, alarm_topic=on_call)

        # What the shop runs on may send events.
        web = iam.Role(self, "Web", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
        holdfast.events_queue.grant_send_messages(web)

        # What cannot be handed over is lost without a dead-letter queue.
        lost = sqs.Queue(self, "Lost", enforce_ssl=True)
        reminders = sqs.Queue(self, "Reminders", enforce_ssl=True)
        holdfast.on_message(campaign="abandoned-cart", target=targets.SqsQueue(reminders, dead_letter_queue=lost))
        taken_back = sqs.Queue(self, "TakenBack", enforce_ssl=True)
        holdfast.on_message(
            campaign="abandoned-cart", kind="retracted", target=targets.SqsQueue(taken_back, dead_letter_queue=lost)
        )


def build(app: App) -> Shop:
    return Shop(app, "Shop")


if __name__ == "__main__":
    app = App()
    build(app)
    app.synth()
