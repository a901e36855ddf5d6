"""The CDK app: one stack per stage, chosen by `-c stage=local|dev|prod`."""

import sys

import infra  # noqa: F401  (first: it tells jsii which node to start)

# isort: split
from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.stack import HoldfastStack
from infra.stages import SettingError, stage_from


def build(app: App) -> HoldfastStack:
    """Raises SettingError."""
    stage = stage_from(app.node.try_get_context)
    stack = HoldfastStack(app, stage=stage)
    if stage.name != "local":
        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return stack


def main() -> None:
    app = App()
    try:
        build(app)
    except SettingError as error:
        sys.exit(f"holdfast: {error}")
    app.synth()


if __name__ == "__main__":
    main()
