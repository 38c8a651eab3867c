"""publish plans versioned artefacts and working links; a dry run writes nothing."""

import subprocess
import sys
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
import pytest
from moto import mock_aws


@pytest.fixture
def publish(load_script):
    return load_script("scripts/publish.py")


def run(root, *arguments):
    return subprocess.run(
        [sys.executable, str(root / "scripts/publish.py"), *arguments], capture_output=True, text=True, check=False, timeout=120
    )


def test_dry_run_shows_every_template_in_every_region_without_credentials(root, publish, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    done = run(root, "my-l4m", "us-east-1", "eu-central-1", "--dry-run", "--version", "2.0.0")
    assert done.returncode == 0, done.stderr
    for template in publish.TEMPLATES:
        for region in ("us-east-1", "eu-central-1"):
            assert f"s3://my-l4m-{region}/lookout-for-metrics/2.0.0/{template.name}" in done.stdout
    assert "SolutionRepository: stays a parameter" in done.stdout


def test_a_launch_link_leads_to_the_artefact(publish):
    artefact = publish.plan("my-l4m", ["eu-west-1"], "1.2.3")[1]
    link = urlsplit(artefact.launch_link)
    assert link.netloc == "eu-west-1.console.aws.amazon.com"
    query = parse_qs(link.fragment.partition("?")[2])
    assert unquote(query["templateURL"][0]) == artefact.url
    assert artefact.url == "https://my-l4m-eu-west-1.s3.eu-west-1.amazonaws.com/lookout-for-metrics/1.2.3/l4m-redshift-solution.yaml"
    assert query["stackName"] == ["CustomRedshiftConnector"]


def test_other_partitions_have_their_own_domains(publish):
    artefact = publish.plan("my-l4m", ["cn-north-1"], "1.0.0")[0]
    assert artefact.url.startswith("https://my-l4m-cn-north-1.s3.cn-north-1.amazonaws.com.cn/")
    assert "console.amazonaws.cn/" in artefact.launch_link


def test_keys_of_one_release_are_all_different(publish):
    keys = [artefact.key for artefact in publish.plan("my-l4m", ["us-east-1"], "1.0.0")]
    assert len(set(keys)) == len(keys) == len(publish.TEMPLATES)


def test_every_published_template_exists(publish, root):
    assert [template.path for template in publish.TEMPLATES if not (root / template.path).is_file()] == []


def test_a_repository_becomes_the_default_of_both_launch_stacks(publish):
    for template in (template for template in publish.TEMPLATES if not template.is_sam):
        plain, filled = publish.proposed(template, "1.0.0", None), publish.proposed(template, "1.0.0", "https://example.com/me/l4m.git")
        added = set(filled.splitlines()) - set(plain.splitlines())
        assert added == {"    Default: https://example.com/me/l4m.git", "    Default: v1.0.0"}


def test_a_default_replaces_the_old_one_and_needs_its_parameter(publish):
    text = "Parameters:\n  A:\n    Type: String\n    Default: old\n    Description: d\n  B:\n    Type: String\nResources:\n"
    assert publish.with_defaults(text, {"A": "new"}) == text.replace("old", "new")
    assert publish.with_defaults(text, {"B": "x"}) == text.replace("Resources", "    Default: x\nResources")
    with pytest.raises(ValueError, match="no parameter C"):
        publish.with_defaults(text, {"C": "x"})


@pytest.mark.parametrize(
    "arguments",
    [
        ["UPPER", "us-east-1"],
        ["ok", "moon-1"],
        ["ok"],
        ["ok", "us-east-1", "--repository", "git@example.com:x"],
        ["ok", "us-east-1", "--version", "latest"],
    ],
)
def test_nonsense_is_refused(root, arguments):
    done = run(root, *arguments, "--dry-run")
    assert done.returncode == 2
    assert "usage" in done.stderr


def test_buttons_replace_the_block_of_the_page(publish):
    buttons = publish.markdown(publish.plan("my-l4m", ["us-east-1", "eu-west-1"], "1.0.0"))
    assert buttons.count("[![Launch Stack]") == 2 * len(publish.TEMPLATES)
    text = f"before\n{publish.BEGIN}\nold\n{publish.END}\nafter\n"
    assert publish.rewrite(text, buttons) == f"before\n{publish.BEGIN}\n{buttons}\n{publish.END}\nafter\n"
    with pytest.raises(SystemExit, match="no block"):
        publish.rewrite("no markers", buttons)


@mock_aws
def test_launch_stacks_are_uploaded_once(publish, monkeypatch, capsys):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="my-l4m-us-east-1")
    artefacts = [artefact for artefact in publish.plan("my-l4m", ["us-east-1"], "1.0.0") if not artefact.template.is_sam]
    publish.publish(artefacts, "1.0.0", "https://example.com/me/l4m.git", force=False)
    body = s3.get_object(Bucket="my-l4m-us-east-1", Key=artefacts[0].key)["Body"].read().decode()
    assert "    Default: https://example.com/me/l4m.git" in body
    with pytest.raises(SystemExit, match="already published"):
        publish.publish(artefacts, "1.0.0", None, force=False)
    publish.publish(artefacts, "1.0.0", None, force=True)
    assert "me/l4m.git" not in s3.get_object(Bucket="my-l4m-us-east-1", Key=artefacts[0].key)["Body"].read().decode()
