"""From a file in the bucket to rows: S3, EventBridge, the queue, the function, and the report beside the file."""

from __future__ import annotations

import json
import time
import uuid

from typer.testing import CliRunner

from holdfast_cli.main import app
from holdfast_cli.stack import Deployment
from tests.eventually import eventually

FILE = """Identity,Name,ImageURL,Price
1,white coat,https://shop.example/1.jpg,89
2,red hat,http://shop.example/2.jpg,20
"""


def test_a_file_that_is_dropped_into_the_bucket_is_a_catalog_soon_after(deployed: Deployment) -> None:
    name = f"c{uuid.uuid4().hex[:8]}"
    s3, bucket = deployed.client("s3"), deployed.outputs["CatalogBucketName"]
    s3.put_object(Bucket=bucket, Key=f"{name}.csv", Body=FILE.encode())
    found = eventually(lambda: s3.list_objects_v2(Bucket=bucket, Prefix=f"reports/{name}-").get("Contents", []))
    assert found, "there is no report"
    bad, whole = map(json.loads, s3.get_object(Bucket=bucket, Key=found[0]["Key"])["Body"].read().splitlines())
    assert (bad["line"], whole["complete"], whole["new"], whole["bad"]) == (3, True, 1, 1)
    shown = CliRunner().invoke(app, ["catalog", "show", name, "--json"])
    assert [json.loads(row)["Identity"] for row in shown.stdout.splitlines()] == ["1"]
    time.sleep(1)  # the report is none that is imported
    assert len(s3.list_objects_v2(Bucket=bucket, Prefix="reports/reports/").get("Contents", [])) == 0
