"""Names that a stage knows: what hints compare a campaign with."""

from __future__ import annotations

from contextlib import suppress
from itertools import chain

from botocore.exceptions import ClientError

from holdfast.aws.tables.catalog import Catalogs
from holdfast.aws.tables.shapes import Observations
from holdfast.aws.tables.users import Users
from holdfast.core.authoring.hints import Known
from holdfast.core.intake.shapes import Shapes, property_shapes
from holdfast_cli.output import err
from holdfast_cli.stack import Deployment

SAMPLE = 200
"""Items of the users table that are looked at for the names of profile properties."""


def known_to(stage: str) -> Known:
    """Profiles and catalogs are read as far as one is allowed to."""
    deployment = Deployment.find(stage)
    dynamodb, outputs = deployment.client("dynamodb"), deployment.outputs
    seen = Observations(dynamodb, outputs["CampaignsTableName"]).read()
    if not seen:
        err.print(f"[dim]Stage {deployment.stage} has seen no events yet: names are not checked.[/]")
    known = Known(seen)
    with suppress(ClientError):
        sample = Users(dynamodb, outputs["UsersTableName"]).sample_profiles(SAMPLE)
        known = known._replace(profile=Shapes("profile", frozenset(chain.from_iterable(map(property_shapes, sample)))))
    with suppress(ClientError):
        catalogs = Catalogs(dynamodb, outputs["CatalogTableName"]).all()
        known = known._replace(catalogs={each.name: each.columns for each in catalogs})
    return known
