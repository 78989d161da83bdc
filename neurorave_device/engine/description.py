"""Reading bundle.yaml: every fault in it as one sentence, and its contents as a BundleInfo."""

import json
import math
import os
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Sequence, Tuple

import jsonschema
import numpy as np
import yaml

from neurorave_device.engine.info import BundleInfo, DescriptorInfo, GuardInfo
from neurorave_device.engine.quantiles import QuantileTable
from neurorave_device.errors import UserError

DESCRIPTION = "bundle.yaml"
SCHEMA_VERSION = 1
SCHEMA_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bundle_schema.json")
# A description is some tens of kilobytes; anything far above is not one.
LARGEST = 4 * 1024 * 1024
# The safe loader in C, ten times as fast, where PyYAML was built with it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Description(NamedTuple):
    """A checked bundle.yaml: `path` of the file, `document` as read, `info` for the other layers."""

    path: str
    document: Dict[str, Any]
    info: BundleInfo


def read_description(folder: str) -> Description:
    """Reads and checks `folder`/bundle.yaml; raises UserError with the first fault.  Any thread."""
    path, document = read_document(folder)
    for fault in document_faults(path, document):
        raise UserError(fault)
    return Description(path, document, make_info(document))


def read_document(folder: str) -> Tuple[str, Dict[str, Any]]:
    """Reads `folder`/bundle.yaml as YAML; raises UserError where it is missing or cannot be read."""
    path = os.path.join(folder, DESCRIPTION)
    if os.path.isfile(folder):
        raise UserError("{}: is a file; a bundle is a folder".format(folder))
    if not os.path.isdir(folder):
        raise UserError("{}: there is no such folder; a bundle is a folder".format(folder))
    if not os.path.isfile(path):
        raise UserError("{}: missing; a bundle is a folder with this file".format(path))
    try:
        if os.path.getsize(path) > LARGEST:
            raise UserError("{}: larger than {} bytes, which no bundle is".format(path, LARGEST))
        with open(path, encoding="utf-8") as handle:
            document = yaml.load(handle, Loader=_LOADER)
    except OSError as error:
        raise UserError("{}: cannot be read ({})".format(path, error.strerror)) from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise UserError(
            "{}: not readable as YAML ({})".format(path, " ".join(str(error).split())[:160])
        ) from None
    if not isinstance(document, dict):
        raise UserError("{}: holds no keys; a bundle has schema, name and more".format(path))
    return path, document


def document_faults(path: str, document: Dict[str, Any]) -> Iterator[str]:
    """Yields each fault of the document as a sentence; those after the schema's only if it holds."""
    version = document.get("schema")
    if version != SCHEMA_VERSION or isinstance(version, bool):
        yield "{}: schema is {}, allowed is {}".format(path, _short(version), SCHEMA_VERSION)
        return
    faults = list(_schema_faults(path, document))
    for fault in faults or _consistency_faults(path, document):
        yield fault


def make_info(document: Dict[str, Any]) -> BundleInfo:
    """Returns the contents of a document without faults."""
    guard = document["guard"]
    return BundleInfo(
        name=document["name"],
        author=document["author"],
        version=document["version"],
        licence=document["licence"],
        description=document["description"],
        sample_rate=document["sample_rate"],
        hop=document["hop"],
        latents=document["latents"],
        descriptors=tuple(
            DescriptorInfo(entry["name"], entry["unit"], _floats(entry["quantiles"]))
            for entry in document["descriptors"]
        ),
        latent_quantiles=tuple(_floats(row) for row in document["latent_quantiles"]),
        guard=GuardInfo(
            mean=_floats(guard["mean"]),
            covariance=tuple(_floats(row) for row in guard["covariance"]),
            limit=float(guard["limit"]),
            rate=_floats(guard["rate"]),
        ),
        latency_samples=document["latency_samples"],
        parameters=int(document["cost"]["parameters"]),
        mac_per_second=float(document["cost"]["mac_per_second"]),
        lighter=document.get("lighter", ""),
        pitched=document.get("pitched", False),
    )


def _floats(values: Iterable[Any]) -> Tuple[float, ...]:
    return tuple(float(value) for value in values)


def _schema_faults(path: str, document: Dict[str, Any]) -> Iterator[str]:
    with open(SCHEMA_FILE, encoding="utf-8") as handle:
        schema = json.load(handle)
    validator = jsonschema.Draft7Validator(schema)
    for error in sorted(validator.iter_errors(document), key=lambda e: _key(e.absolute_path)):
        yield _sentence(path, error)


def _sentence(path: str, error: Any) -> str:
    """Says a violation of the schema with key, value and what is allowed."""
    key = _key(error.absolute_path)
    rule, bound, value = error.validator, error.validator_value, error.instance
    if rule == "required":
        missing = [name for name in bound if name not in value]
        where = " in " + key if key else ""
        return "{}: {}{} is missing".format(path, " and ".join(missing), where)
    allowed = {
        "type": "a value of the type {}",
        "enum": "one of {}",
        "const": "{}",
        "minimum": "{} or more",
        "maximum": "{} or less",
        "exclusiveMinimum": "more than {}",
        "minItems": "a list of {} or more",
        "maxItems": "a list of {} or fewer",
        "minLength": "a text of {} or more characters",
        "maxLength": "a text of {} or fewer characters",
        "pattern": "a text like {}",
    }.get(rule, rule + " {}")
    if rule in ("minItems", "maxItems"):
        value = "a list of {}".format(len(value))
    else:
        value = _short(value)
    bound = ", ".join(map(str, bound)) if isinstance(bound, list) else bound
    return "{}: {} is {}, allowed is {}".format(path, key, value, allowed.format(bound))


def _consistency_faults(path: str, document: Dict[str, Any]) -> Iterator[str]:
    """Yields what a schema cannot say: sizes that belong together, order, finite numbers."""

    def fault(key: str, value: Any, allowed: str) -> str:
        return "{}: {} is {}, allowed is {}".format(path, key, value, allowed)

    names = [entry["name"] for entry in document["descriptors"]]
    if len(set(names)) != len(names):
        yield fault("descriptors", ", ".join(names), "each name once")
    for number, entry in enumerate(document["descriptors"]):
        if not _ascends(entry["quantiles"]):
            key = "descriptors[{}].quantiles".format(number)
            yield fault(key, "not ascending", "25 finite values in ascending order")
    tables, latents = document["latent_quantiles"], document["latents"]
    if len(tables) != latents:
        yield fault(
            "latent_quantiles",
            "a list of {}".format(len(tables)),
            "one table for each of the {} latents".format(latents),
        )
    for number, table in enumerate(tables):
        if not _ascends(table):
            key = "latent_quantiles[{}]".format(number)
            yield fault(key, "not ascending", "25 finite values in ascending order")
    for key, size in _guard_sizes(document["guard"]):
        if size != len(names):
            yield fault(
                key,
                "a list of {}".format(size),
                "one value for each of the {} descriptors".format(len(names)),
            )
            return
    if not _positive(document["guard"]["covariance"]):
        yield fault(
            "guard.covariance", "no covariance", "a symmetric, positive definite, finite matrix"
        )
    singles = list(document["guard"]["mean"]) + list(document["guard"]["rate"])
    singles += [document["guard"]["limit"], document["cost"]["mac_per_second"]]
    if not all(math.isfinite(value) for value in singles):
        yield fault("guard", "not finite", "finite numbers only")
    rate = document["sample_rate"] / document["hop"]
    if not abs(document["latent_rate"] - rate) <= 1e-3 * rate:
        yield fault(
            "latent_rate",
            document["latent_rate"],
            "sample_rate / hop = {:.6g} frames a second".format(rate),
        )


def _guard_sizes(guard: Dict[str, Any]) -> List[Tuple[str, int]]:
    sizes = [("guard.mean", len(guard["mean"])), ("guard.rate", len(guard["rate"]))]
    sizes.append(("guard.covariance", len(guard["covariance"])))
    for number, row in enumerate(guard["covariance"]):
        sizes.append(("guard.covariance[{}]".format(number), len(row)))
    return sizes


def _positive(matrix: Sequence[Sequence[float]]) -> bool:
    array = np.array(matrix, dtype=np.float64)
    if not np.all(np.isfinite(array)) or not np.allclose(array, array.T, atol=1e-6):
        return False
    return bool(np.linalg.eigvalsh(array)[0] > 0.0)


def _ascends(knots: Sequence[float]) -> bool:
    try:
        QuantileTable(knots)
    except ValueError:
        return False
    return True


def _key(parts: Iterable[Any]) -> str:
    text = ""
    for part in parts:
        text += "[{}]".format(part) if isinstance(part, int) else "." + str(part)
    return text.lstrip(".")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
