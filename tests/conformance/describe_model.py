"""Prints what the installed boto3 knows about the lookoutmetrics API, operation by operation and shape by shape."""

import json
import sys

from botocore.session import get_session


def describe_shape(shape) -> dict:
    """Everything a client or a server acts on: type, bounds, pattern, enum, members and where they travel."""
    described = {"type": shape.type_name, "metadata": {key: shape.metadata[key] for key in sorted(shape.metadata) if key != "box"}}
    if shape.type_name == "structure":
        described["metadata"]["required"] = sorted(shape.metadata.get("required", []))
        described["members"] = {
            name: [member.name, {key: value for key, value in member.serialization.items() if (key, value) != ("name", name)}]
            for name, member in shape.members.items()
        }
    elif shape.type_name == "list":
        described["member"] = shape.member.name
    elif shape.type_name == "map":
        described["entries"] = [shape.key.name, shape.value.name]
    return described


def describe() -> dict:
    """Operations and shapes by name."""
    model = get_session().get_service_model("lookoutmetrics")
    operations = {}
    for name in model.operation_names:
        operation = model.operation_model(name)
        operations[name] = {
            "http": {"responseCode": 200} | operation.http,
            "input": operation.input_shape.name,
            "output": operation.output_shape.name,
            "errors": sorted(shape.name for shape in operation.error_shapes),
        }
    shapes = {name: describe_shape(model.shape_for(name)) for name in model.shape_names}
    return {"protocol": model.protocol, "version": model.api_version, "operations": operations, "shapes": shapes}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(describe(), sort_keys=True))
