"""Package the templates into versioned artefacts in one bucket a region, and print the Launch Stack links."""

import argparse
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[1]
LONGEST_SECONDS = 1800  # of a build, or an upload
FOLDER = "lookout-for-metrics"
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
BUCKET_PREFIX = re.compile(r"[a-z0-9][a-z0-9-]{1,40}")
RELEASE = re.compile(r"\d+\.\d+\.\d+[\w.-]*")
REPOSITORY = re.compile(r"https://[A-Za-z0-9.-]+/[A-Za-z0-9._/-]+")
BEGIN, END = "<!-- launch stacks: begin -->", "<!-- launch stacks: end -->"
BADGE = "https://s3.amazonaws.com/cloudformation-examples/cloudformation-launch-stack.png"


@dataclass(frozen=True)
class Template:
    """One template to publish; ``stack`` names the stack that its Launch Stack button proposes."""

    path: str
    stack: str
    title: str
    is_sam: bool = True

    @property
    def name(self) -> str:
        return self.path.replace("/", "-") if self.path == "ai_ops/template.yaml" else Path(self.path).name


TEMPLATES = (
    Template(
        "sample_resources/redshift/l4m-redshift-sagemakernotebook.yaml",
        "ProductionRedshiftDemo",
        "1. A Redshift to try it with",
        is_sam=False,
    ),
    Template("ai_ops/l4m-redshift-solution.yaml", "CustomRedshiftConnector", "2. The connector, deployed by a notebook", is_sam=False),
    Template("template.yaml", "lookout-for-metrics", "Everything in one stack, without a notebook"),
    Template("ai_ops/l4m-service.yaml", "custom-rs-connector-service", "The detection service alone"),
    Template("ai_ops/template.yaml", "custom-rs-connector", "The connector alone"),
    Template("ai_ops/l4m-redshift-continuous-crawl.yaml", "custom-rs-connector-crawl", "The continuous crawl of Redshift alone"),
    Template("ai_ops/l4m-postgresql-continuous-crawl.yaml", "custom-rs-connector-crawl", "The continuous crawl of PostgreSQL alone"),
)


@dataclass(frozen=True)
class Artefact:
    """One template in one region's bucket."""

    template: Template
    region: str
    bucket: str
    key: str

    @property
    def url(self) -> str:
        return f"https://{self.bucket}.s3.{self.region}.{domains(self.region)[0]}/{self.key}"

    @property
    def launch_link(self) -> str:
        """The console's page that creates the stack from this artefact."""
        page = f"https://{self.region}.console.{domains(self.region)[1]}/cloudformation/home?region={self.region}#/stacks/create/review"
        return f"{page}?templateURL={quote(self.url, safe='')}&stackName={self.template.stack}"


def domains(region: str) -> tuple[str, str]:
    """Domain of S3 and of the console in the region's partition."""
    if region.startswith("cn-"):
        return "amazonaws.com.cn", "amazonaws.cn"
    if region.startswith("us-gov-"):
        return "amazonaws.com", "amazonaws-us-gov.com"
    return "amazonaws.com", "aws.amazon.com"


def version() -> str:
    """The project's version, as its package states it."""
    text = (ROOT / "ai_ops" / "lambdas" / "shared" / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])


def plan(bucket_prefix: str, regions: list[str], release: str) -> list[Artefact]:
    """Every artefact of a release, region by region."""
    return [
        Artefact(template, region, f"{bucket_prefix}-{region}", f"{FOLDER}/{release}/{template.name}")
        for region in regions
        for template in TEMPLATES
    ]


def with_defaults(text: str, defaults: dict[str, str]) -> str:
    """A template whose named parameters propose these values; comments and layout stay as they are."""
    for parameter, value in defaults.items():
        head = re.compile(rf"^(  {parameter}:\n(?:    .*\n)*?)(    Default: .*\n|(?=  \S|\S|\Z))", re.MULTILINE)
        if not head.search(text):
            raise ValueError(f"the template has no parameter {parameter}")
        text = head.sub(lambda found, value=value: f"{found.group(1)}    Default: {value}\n", text, count=1)
    return text


def publish(artefacts: list[Artefact], release: str, repository: str | None, force: bool) -> None:
    """Build and upload; an artefact that exists already stops everything before anything is written."""
    import boto3  # noqa: PLC0415 - a dry run needs no AWS SDK

    clients = {artefact.region: boto3.client("s3", region_name=artefact.region) for artefact in artefacts}
    if not force and (there := [artefact.url for artefact in artefacts if exists(clients[artefact.region], artefact)]):
        raise SystemExit("already published (choose another version, or --force):\n  " + "\n  ".join(there))
    for artefact in artefacts:
        text = packaged(artefact, release) if artefact.template.is_sam else proposed(artefact.template, release, repository)
        clients[artefact.region].put_object(Bucket=artefact.bucket, Key=artefact.key, Body=text.encode(), ContentType="text/yaml")
        print(f"uploaded {artefact.url}", file=sys.stderr)


def exists(s3: Any, artefact: Artefact) -> bool:
    return bool(s3.list_objects_v2(Bucket=artefact.bucket, Prefix=artefact.key, MaxKeys=1).get("KeyCount"))


def proposed(template: Template, release: str, repository: str | None) -> str:
    """A Launch Stack template; with a repository it proposes it, at this release's tag."""
    text = (ROOT / template.path).read_text(encoding="utf-8")
    return with_defaults(text, {"SolutionRepository": repository, "SolutionRevision": f"v{release}"}) if repository else text


def packaged(artefact: Artefact, release: str) -> str:
    """A SAM template whose code and nested templates lie in the region's bucket."""
    sam, build = ROOT / ".venv-sam" / "bin" / "sam", ROOT / ".aws-sam" / "publish" / artefact.template.name.removesuffix(".yaml")
    subprocess.run(
        [sam, "build", "--cached", "--template", ROOT / artefact.template.path, "--build-dir", build], check=True, timeout=LONGEST_SECONDS
    )
    output = build / f"packaged-{artefact.region}.yaml"
    where = ["--s3-bucket", artefact.bucket, "--s3-prefix", f"{FOLDER}/{release}/code", "--region", artefact.region]
    package = [sam, "package", "--template-file", build / "template.yaml", *where, "--output-template-file", output]
    subprocess.run(package, check=True, timeout=LONGEST_SECONDS)
    return output.read_text(encoding="utf-8")


def markdown(artefacts: list[Artefact]) -> str:
    """Launch Stack buttons, a line for each template and a column for each region."""
    regions = list(dict.fromkeys(artefact.region for artefact in artefacts))
    lines = ["| stack | " + " | ".join(regions) + " |", "|---|" + "---|" * len(regions)]
    for template in TEMPLATES:
        links = [f"[![Launch Stack]({BADGE})]({artefact.launch_link})" for artefact in artefacts if artefact.template is template]
        lines.append(f"| {template.title} | " + " | ".join(links) + " |")
    return "\n".join(lines)


def rewrite(text: str, buttons: str) -> str:
    """A page whose block between the two markers holds these buttons."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"the page has no block {BEGIN} … {END}")
    return f"{head}{BEGIN}\n{buttons}\n{END}{tail}"


def checked(pattern: re.Pattern[str], what: str) -> Any:
    """An argument's type that names what the text should have been."""

    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
        return text

    return check


def listing(artefacts: list[Artefact], repository: str | None) -> Iterator[str]:
    yield f"SolutionRepository: {repository or 'stays a parameter that the user has to fill'}"
    for artefact in artefacts:
        yield f"{artefact.template.path}\n  -> s3://{artefact.bucket}/{artefact.key}\n  launch {artefact.launch_link}"


def main() -> int:
    arguments = parse_arguments()
    artefacts = plan(arguments.bucket_prefix, arguments.regions, arguments.version)
    if arguments.dry_run:
        print("\n".join(listing(artefacts, arguments.repository)))
        return 0
    publish(artefacts, arguments.version, arguments.repository, arguments.force)
    if arguments.page:
        arguments.page.write_text(rewrite(arguments.page.read_text(encoding="utf-8"), markdown(artefacts)), encoding="utf-8")
    else:
        print(markdown(artefacts))
    return 0


def parse_arguments() -> argparse.Namespace:
    bucket, region = checked(BUCKET_PREFIX, "the beginning of a bucket's name"), checked(REGION, "the name of a region")
    repository, release = checked(REPOSITORY, "an https:// repository"), checked(RELEASE, "a version")
    parser = argparse.ArgumentParser(prog="scripts/publish", description=__doc__)
    parser.add_argument("bucket_prefix", type=bucket, help="buckets are called PREFIX-REGION and must exist")
    parser.add_argument("regions", nargs="+", metavar="REGION", type=region)
    parser.add_argument("--repository", type=repository, help="proposed as SolutionRepository, at the tag of this version")
    parser.add_argument("--version", default=version(), type=release, help="default: %(default)s")
    parser.add_argument("--dry-run", action="store_true", help="show artefacts and links, write nothing")
    parser.add_argument("--force", action="store_true", help="overwrite artefacts of this version")
    parser.add_argument("--page", type=Path, help="put the buttons into this file, between its markers")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
