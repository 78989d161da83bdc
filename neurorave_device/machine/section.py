"""Checking a section of the configuration against a schema of its own."""

import json
from typing import Any, Mapping

import jsonschema

from neurorave_device.errors import UserError


def check_section(source: str, name: str, schema_path: str, values: Mapping[str, Any]) -> None:
    """Raise UserError, which names source, section, key, value and what is allowed, for the first fault of `values`.

    Each key's description in the schema says what is allowed.
    """
    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    allowed = schema["properties"]
    for key in values:
        if key not in allowed:
            raise UserError(
                "{}: {}: unknown key {!r} (value {!r}), allowed are {}".format(
                    source, name, key, values[key], ", ".join(allowed)
                )
            )
    checker = jsonschema.Draft7Validator(schema)
    wrong = [str(error.path[0]) for error in checker.iter_errors(dict(values))]
    # No bound of a schema stops what is not a number.
    wrong += [key for key, value in values.items() if value != value]
    if wrong:
        key = sorted(wrong)[0]
        raise UserError(
            "{}: {}: {} is {!r}, allowed is {}".format(
                source, name, key, values[key], allowed[key]["description"]
            )
        )
