"""Bundles: the toy one loads, each kind of damage is told in one sentence."""

import hashlib
import os
import shutil
from typing import Any, Callable, Dict, Tuple

import pytest

from neurorave_device.engine.bundle import load_bundle
from neurorave_device.engine.checks import ERROR, NOTE, check_bundle
from neurorave_device.engine.listing import list_bundles
from neurorave_device.errors import UserError

from .toy import BAD_GRAPHS, TOY, copy_toy, edit_description

Document = Dict[str, Any]
Damage = Callable[[str], None]


def test_the_toy_bundle_loads_with_all_it_says() -> None:
    bundle = load_bundle(TOY)
    info = bundle.info
    assert (info.name, info.sample_rate, info.hop, info.latents) == ("toy", 44100, 512, 8)
    assert [row.name for row in info.descriptors][:2] == ["rms", "centroid"]
    assert info.guard.covariance[1][0] == pytest.approx(0.015)
    assert info.latency_samples == 768
    assert sorted(bundle.graphs) == ["decoder", "meter", "prior"]
    preview = bundle.file("preview")
    assert preview is not None and os.path.isfile(preview)
    assert bundle.file("cover") is None
    assert check_bundle(TOY) == []


def _key(change: Callable[[Document], Any]) -> Damage:
    def damage(folder: str) -> None:
        edit_description(folder, lambda document: change(document) and None)

    return damage


def _set(*path: Any) -> Damage:
    """Sets the key named by all but the last of `path` to the last of it."""

    def change(document: Document) -> None:
        place: Any = document
        for part in path[:-2]:
            place = place[part]
        place[path[-2]] = path[-1]

    return _key(change)


def _remove_key(name: str) -> Damage:
    return _key(lambda document: document.pop(name))


def _remove_file(name: str) -> Damage:
    return lambda folder: os.remove(os.path.join(folder, name))


def _cut(name: str, part: float) -> Damage:
    def damage(folder: str) -> None:
        path = os.path.join(folder, name)
        with open(path, "rb+") as handle:
            handle.truncate(int(os.path.getsize(path) * part))

    return damage


def _write(name: str, text: bytes) -> Damage:
    def damage(folder: str) -> None:
        with open(os.path.join(folder, name), "wb") as handle:
            handle.write(text)

    return damage


def _swap(role: str, source: str) -> Damage:
    """Puts another file in the place of a graph, with the right sha256."""

    def damage(folder: str) -> None:
        target = os.path.join(folder, role + ".onnx")
        if os.path.abspath(source) != os.path.abspath(target):
            shutil.copyfile(source, target)
        with open(target, "rb") as handle:
            digest = hashlib.sha256(handle.read()).hexdigest()
        edit_description(folder, lambda document: document["files"][role].update(sha256=digest))

    return damage


def _seven_latents(document: Document) -> None:
    document["latents"] = 7
    document["latent_quantiles"].pop()


def _two_rms(document: Document) -> None:
    document["descriptors"][1]["name"] = "rms"


def _descend(document: Document) -> None:
    document["descriptors"][2]["quantiles"][3] = -1e6


def _link_out(folder: str) -> None:
    outside = os.path.join(os.path.dirname(folder), "outside.onnx")
    os.rename(os.path.join(folder, "prior.onnx"), outside)
    os.symlink(outside, os.path.join(folder, "prior.onnx"))


def _become_a_file(folder: str) -> None:
    shutil.rmtree(folder)
    with open(folder, "w") as handle:
        handle.write("a text")


# What is done to the bundle, and what the sentence must name.
DAMAGES: Dict[str, Tuple[Damage, str]] = {
    "no folder": (shutil.rmtree, "no such folder"),
    "a file": (_become_a_file, "is a file; a bundle is a folder"),
    "no yaml": (_remove_file("bundle.yaml"), "bundle.yaml: missing"),
    "empty yaml": (_write("bundle.yaml", b""), "holds no keys"),
    "list": (_write("bundle.yaml", b"- 1\n- 2\n"), "holds no keys"),
    "not yaml": (_write("bundle.yaml", b"name: {toy\nhop: [1"), "not readable as YAML"),
    "not text": (_write("bundle.yaml", b"\xff\xfe\x00\x9f" * 50), "not readable as YAML"),
    "truncated yaml": (_cut("bundle.yaml", 0.5), "bundle.yaml: "),
    "newer schema": (_set("schema", 2), "schema is 2, allowed is 1"),
    "no schema": (_remove_key("schema"), "schema is None, allowed is 1"),
    "key missing": (_remove_key("hop"), "hop is missing"),
    "wrong type": (_set("sample_rate", "44.1k"), "sample_rate is '44.1k', allowed is .*integer"),
    "too small": (_set("sample_rate", 10), "sample_rate is 10, allowed is 8000 or more"),
    "variant elsewhere": (_set("lighter", "../light"), r"lighter is '../light', allowed is a text"),
    "variant in a folder": (_set("lighter", "a/b"), "lighter is 'a/b', allowed is a text like"),
    "variant without a name": (_set("lighter", ""), "lighter is '', allowed is a text like"),
    "variant is a number": (_set("lighter", 7), "lighter is 7, allowed is .*string"),
    "unknown descriptor": (
        _set("descriptors", 0, "name", "roughness"),
        r"descriptors\[0\].name is 'roughness', allowed is one of rms, centroid",
    ),
    "descriptor twice": (_key(_two_rms), "each name once"),
    "few quantiles": (
        _set("descriptors", 1, "quantiles", [1.0, 2.0]),
        r"descriptors\[1\].quantiles is a list of 2, allowed is a list of 25",
    ),
    "descending quantiles": (_key(_descend), r"descriptors\[2\].quantiles is not ascending"),
    "quantile nan": (
        _set("latent_quantiles", 3, 7, float("nan")),
        r"latent_quantiles\[3\] is not ascending",
    ),
    "latents mismatch": (_set("latents", 7), "latent_quantiles is a list of 8"),
    "guard size": (_set("guard", "rate", [0.1, 0.1]), "guard.rate is a list of 2"),
    "guard matrix": (
        _set("guard", "covariance", [[0.0] * 5] * 5),
        "guard.covariance is no covariance",
    ),
    "guard limit": (_set("guard", "limit", float("inf")), "finite"),
    "latent rate": (_set("latent_rate", 100.0), "latent_rate is 100.0, allowed is .*86.13"),
    "no decoder": (_key(lambda d: d["files"].pop("decoder")), "decoder in files is missing"),
    "bad sha256": (_set("files", "prior", "sha256", "abc"), "files.prior.sha256 is 'abc'"),
    "file missing": (_remove_file("meter.onnx"), "meter.onnx: named in bundle.yaml"),
    "preview missing": (_remove_file("preview.flac"), "preview.flac: named in bundle.yaml"),
    "tampered": (_write("decoder.onnx", b"abc"), "decoder.onnx: changed or damaged, its sha256"),
    "truncated graph": (_cut("prior.onnx", 0.9), "prior.onnx: changed or damaged"),
    "path up": (_set("files", "prior", "path", "../prior.onnx"), "path inside the bundle's folder"),
    "path absolute": (_set("files", "prior", "path", "/etc/passwd"), "inside the bundle's folder"),
    "link out": (_link_out, "inside the bundle's folder"),
    "text for a graph": (
        lambda folder: (
            _write("prior.onnx", b"not a graph at all")(folder),
            _swap("prior", os.path.join(folder, "prior.onnx"))(folder),
        )[0],
        "prior.onnx: not an ONNX graph",
    ),
    "other graph": (
        _swap("decoder", os.path.join(TOY, "prior.onnx")),
        "decoder.onnx: the input .* decoder",
    ),
    "double": (_swap("meter", os.path.join(BAD_GRAPHS, "double.onnx")), "float32 only"),
    "open shape": (_swap("meter", os.path.join(BAD_GRAPHS, "open_shape.onnx")), "static"),
    "wrong shape": (_key(_seven_latents), r"latents is \[1, 1, 8\], allowed is \[1, 1, 7\]"),
}


@pytest.mark.parametrize("name", sorted(DAMAGES))
def test_each_damage_is_told_in_one_sentence(name: str, tmp_path: Any) -> None:
    damage, said = DAMAGES[name]
    folder = copy_toy(tmp_path)
    damage(folder)
    with pytest.raises(UserError, match=said) as caught:
        load_bundle(folder)
    assert "\n" not in str(caught.value)
    assert folder in str(caught.value)
    findings = check_bundle(folder)
    assert str(caught.value) in [finding.text for finding in findings if finding.level == ERROR]


def test_check_names_all_faults_at_once(tmp_path: Any) -> None:
    folder = copy_toy(tmp_path)
    _remove_file("meter.onnx")(folder)
    _write("decoder.onnx", b"abc")(folder)
    texts = [finding.text for finding in check_bundle(folder)]
    assert len(texts) == 2
    assert any("meter.onnx" in text for text in texts)
    assert any("decoder.onnx" in text for text in texts)


def test_a_bundle_without_extras_plays_and_is_noted(tmp_path: Any) -> None:
    folder = copy_toy(tmp_path)

    def strip(document: Document) -> None:
        for role in ("meter", "encoder", "preview"):
            del document["files"][role]

    edit_description(folder, strip)
    assert sorted(load_bundle(folder).graphs) == ["decoder", "prior"]
    assert [finding.level for finding in check_bundle(folder)] == [NOTE] * 3


def test_keys_of_later_versions_are_ignored(tmp_path: Any) -> None:
    folder = copy_toy(tmp_path)
    _set("mood", "cheerful")(folder)
    assert load_bundle(folder).document["mood"] == "cheerful"


def test_the_list_shows_good_and_broken_bundles_and_nothing_else(tmp_path: Any) -> None:
    broken = copy_toy(tmp_path)
    _remove_key("hop")(broken)
    shutil.copytree(TOY, str(tmp_path / "a_toy"))
    (tmp_path / "no_bundle").mkdir()
    rows = list_bundles(str(tmp_path))
    assert [(row.name, bool(row.fault)) for row in rows] == [("toy", False), ("bundle", True)]
    assert "hop is missing" in rows[1].fault
    assert rows[0].size_bytes > 10000
    with pytest.raises(UserError, match="no such folder"):
        list_bundles(str(tmp_path / "nowhere"))


def test_a_bundle_that_was_copied_in_part_is_no_good_one(tmp_path: Any) -> None:
    folder = copy_toy(tmp_path)
    os.unlink(os.path.join(folder, "decoder.onnx"))
    assert "decoder is missing; was it copied wholly?" in list_bundles(str(tmp_path))[0].fault


def test_a_lighter_variant_is_named_and_need_not_be_there(tmp_path: Any) -> None:
    folder = copy_toy(tmp_path)
    assert load_bundle(folder).info.lighter == ""
    edit_description(folder, lambda document: document.update(lighter="toy light.2"))
    assert load_bundle(folder).info.lighter == "toy light.2"
    (missing,) = check_bundle(folder)
    assert missing.level == NOTE and "'toy light.2', which cannot be read" in missing.text

    variant = os.path.join(str(tmp_path), "toy light.2")
    shutil.copytree(TOY, variant)
    (heavy,) = check_bundle(folder)
    assert heavy.level == NOTE and "allowed is less than" in heavy.text
    edit_description(variant, lambda document: document["cost"].update(mac_per_second=1.0))
    assert check_bundle(folder) == []

    def slow(document: Document) -> None:
        document.update(sample_rate=22050, latent_rate=22050.0 / document["hop"])

    edit_description(variant, slow)
    (other,) = check_bundle(folder)
    assert other.level == NOTE and "plays at 22050 Hz, allowed is 44100 Hz" in other.text
