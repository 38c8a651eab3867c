"""From a template as the repository has it to one that moto's CloudFormation can create."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml
from samtranslator.yaml_helper import intrinsics_multi_constructor

BUCKET = "local-sources"
SUB = re.compile(r"\$\{(!?)([^}]+)\}")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # (in C, where that was built: ten times as fast)
    """Knows the short forms of intrinsic functions, such as ``!Ref``."""


_Loader.add_multi_constructor("!", intrinsics_multi_constructor)


class Sources:
    """Where the folders behind S3 keys and the templates behind URLs are, filled by ``translate``."""

    def __init__(self, folders: dict[str, Path], templates: dict[str, str], inline: Path) -> None:
        self.folders = folders
        self.templates = templates
        self.inline = inline

    def folder(self, path: Path) -> str:
        """Return the S3 URI that stands for a folder of code."""
        key = str(path.resolve()).lstrip("/")
        self.folders[key] = path.resolve()
        return f"s3://{BUCKET}/{key}"

    def code(self, text: str) -> str:
        """Return the S3 URI that stands for inline code."""
        folder = self.inline / hashlib.sha256(text.encode()).hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.py").write_text(text, encoding="utf-8")
        return self.folder(folder)

    def template(self, text: str) -> str:
        """Return the URL that stands for a nested template; it changes with the content."""
        url = f"https://s3.amazonaws.com/{BUCKET}/{hashlib.sha256(text.encode()).hexdigest()}.template"
        self.templates[url] = text
        return url


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        """Return nothing: the translator brings the list that it needs."""
        return {}


def read_yaml(path: Path) -> Any:
    """Return what a template, or another file in YAML or JSON, holds."""
    return yaml.load(path.read_text(encoding="utf-8"), _Loader)


def translate(path: Path, parameters: Mapping[str, str], sources: Sources) -> dict[str, Any]:
    """Return the plain CloudFormation template for a SAM (or plain) template file; nested ones are translated too."""
    template = read_yaml(path)
    template = json.loads(json.dumps(template, default=str))  # unquoted dates become text
    _resolve_paths(template, path.parent, sources)
    if "Transform" in template:
        from samtranslator.translator.transform import transform  # noqa: PLC0415 (takes a second; plain templates do without)

        template = transform(template, dict(parameters), _NoManagedPolicies())
    return plain(json.loads(json.dumps(template)), parameters)


def plain(template: dict[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    """Return a template with ``Fn::Sub`` spelled out, resources in order of need and stamped with what they depend on."""
    template = _expand(template)
    resources = template["Resources"]
    needs = {name: {other for other in _references(body) if other in resources} - {name} for name, body in resources.items()}
    order = list(TopologicalSorter(needs).static_order())
    values = {name: parameters.get(name, slot.get("Default")) for name, slot in template.get("Parameters", {}).items()}
    stamps: dict[str, str] = {}
    for name in order:
        body = resources[name]
        seen = [stamps[other] for other in sorted(needs[name])] + [
            str(values[other]) for other in sorted(_references(body)) if other in values
        ]
        stamps[name] = hashlib.sha256(
            json.dumps([body, seen, template.get("Conditions"), values if "Fn::If" in json.dumps(body) else {}]).encode()
        ).hexdigest()[:16]
    template["Resources"] = {name: {**resources[name], "Metadata": {"Stamp": stamps[name]}} for name in order}
    return template


def _resolve_paths(template: dict[str, Any], folder: Path, sources: Sources) -> None:
    globals_ = template.get("Globals", {}).get("Function", {})
    if _is_local(globals_.get("CodeUri")):
        globals_["CodeUri"] = sources.folder(folder / globals_["CodeUri"])
    for resource in template.get("Resources", {}).values():
        properties = resource.setdefault("Properties", {})
        resource.pop("Metadata", None)
        handler = _RESOLVERS.get(resource["Type"])
        if handler:
            handler(properties, folder, sources)


def _is_local(value: Any) -> bool:
    return isinstance(value, str) and not value.startswith(("s3://", "https://"))


def _code(properties: dict[str, Any], folder: Path, sources: Sources) -> None:
    for key in ("CodeUri", "ContentUri"):
        if _is_local(properties.get(key)):
            properties[key] = sources.folder(folder / properties[key])
    if "InlineCode" in properties:
        properties["CodeUri"] = sources.code(properties.pop("InlineCode"))


def _plain_code(properties: dict[str, Any], folder: Path, sources: Sources) -> None:
    code = properties.get("Code")
    if isinstance(code, dict) and isinstance(code.get("ZipFile"), str):
        code = sources.code(code["ZipFile"])
    elif _is_local(code):
        code = sources.folder(folder / str(code))
    if isinstance(code, str):
        properties["Code"] = {"S3Bucket": BUCKET, "S3Key": code.removeprefix(f"s3://{BUCKET}/")}


def _definition(properties: dict[str, Any], folder: Path, sources: Sources) -> None:
    if _is_local(properties.get("DefinitionUri")):
        properties["Definition"] = read_yaml(folder / properties.pop("DefinitionUri"))


def _api(properties: dict[str, Any], folder: Path, sources: Sources) -> None:
    if _is_local(properties.get("DefinitionUri")):
        properties["DefinitionBody"] = read_yaml(folder / properties.pop("DefinitionUri"))


def _nested(key: str) -> Callable[[dict[str, Any], Path, Sources], None]:
    def resolve(properties: dict[str, Any], folder: Path, sources: Sources) -> None:
        if _is_local(properties.get(key)):
            properties[key] = sources.template(json.dumps(translate(folder / properties[key], {}, sources)))

    return resolve


_RESOLVERS: dict[str, Callable[[dict[str, Any], Path, Sources], None]] = {
    "AWS::Serverless::Function": _code,
    "AWS::Serverless::LayerVersion": _code,
    "AWS::Lambda::Function": _plain_code,
    "AWS::Serverless::StateMachine": _definition,
    "AWS::Serverless::HttpApi": _api,
    "AWS::Serverless::Application": _nested("Location"),
    "AWS::CloudFormation::Stack": _nested("TemplateURL"),
}


def _expand(node: Any) -> Any:
    """Spell ``Fn::Sub`` out as ``Fn::Join`` and ``Fn::GetAtt`` as a pair, so that every reference is visible."""
    if isinstance(node, list):
        return [_expand(item) for item in node]
    if not isinstance(node, dict):
        return node
    if set(node) == {"Fn::Sub"}:
        text, values = node["Fn::Sub"] if isinstance(node["Fn::Sub"], list) else (node["Fn::Sub"], {})
        return {"Fn::Join": ["", [part for part in _parts(text, _expand(values)) if part != ""]]}
    if set(node) == {"Fn::GetAtt"} and isinstance(node["Fn::GetAtt"], str):
        return {"Fn::GetAtt": node["Fn::GetAtt"].split(".", 1)}
    return {key: _expand(value) for key, value in node.items()}


def _parts(text: str, values: Mapping[str, Any]) -> Iterator[Any]:
    end = 0
    for found in SUB.finditer(text):
        yield text[end : found.start()]
        end = found.end()
        name = found[2].strip()
        if found[1]:
            yield f"${{{name}}}"
        elif name in values:
            yield values[name]
        else:
            yield {"Fn::GetAtt": name.split(".", 1)} if "." in name else {"Ref": name}
    yield text[end:]


def _references(node: Any) -> set[str]:
    """Return every name that a resource refers to: other resources, parameters, conditions' branches included."""
    if isinstance(node, list):
        return set().union(*(_references(item) for item in node)) if node else set()
    if not isinstance(node, dict):
        return set()
    found: set[str] = set()
    for key, value in node.items():
        if key == "Ref" and isinstance(value, str):
            found.add(value)
        elif key == "Fn::GetAtt" and isinstance(value, list):
            found.add(value[0])
        elif key == "DependsOn":
            found |= set(value if isinstance(value, list) else [value])
        else:
            found |= _references(value)
    return found
