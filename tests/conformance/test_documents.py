"""The Python of the page about the API runs as it stands there, with what a user fills in."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = (Path(__file__).resolve().parents[2] / "ai_ops" / "docs" / "api.md").read_text(encoding="utf-8")


def run(code, aws):
    environment = {**os.environ, **aws.environment()}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_python_of_the_page(aws, shop):
    listing, backtest = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    place = {"arn:aws:iam::ACCOUNT:role/ShopLookoutForMetricsRole": shop.role, "YOUR_BUCKET": shop.bucket}
    for word, value in place.items():
        assert word in backtest
        backtest = backtest.replace(word, value)
    status, *groups = run(backtest, aws).splitlines()
    assert status.strip() == "BACK_TEST_COMPLETE"
    assert any(group.startswith("2026-03-18T") and " revenue " in group for group in groups)
    assert "'AnomalyDetectorName': 'shop'" in run(listing, aws)


def test_trust_of_the_page_is_what_the_role_of_that_backtest_has(aws, shop):
    (document,) = re.findall(r'^{"Version".*SERVICE_ROLE_ARN.*}$', PAGE, re.MULTILINE)
    trust = aws.client("iam").get_role(RoleName=shop.role.rpartition("/")[2])["Role"]["AssumeRolePolicyDocument"]
    assert trust == json.loads(document.replace("SERVICE_ROLE_ARN", aws.outputs["ServiceRoleArn"]))
