"""deploy/k8s: by Kubernetes' own schemas, as written and as kustomize puts it together."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from image_spider.config import check
from image_spider.fleet_metrics import FIGURES, PREFIX
from image_spider.task.config import read_config
from image_spider.task.run import WRONG_USAGE
from tests.programs import program
from tests.project import ROOT

FOLDER = ROOT / "deploy/k8s"
KUSTOMIZATIONS = sorted(path.parent.name for path in FOLDER.glob("*/kustomization.yaml"))
NAME = "app.kubernetes.io/name"
VERSIONS = ("1.31", kubernetes_validate.latest_version())


def validate(document: dict[str, Any]) -> None:
    """Raise for what the oldest version that we support, or the newest, does not take or does not know."""
    for version in VERSIONS:
        kubernetes_validate.validate(document, version, strict=True)


def documents(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(text) if document]


def kustomization(name: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / name / "kustomization.yaml").read_text(encoding="utf-8"))


def resources() -> list[Path]:
    return [FOLDER / name / file for name in KUSTOMIZATIONS for file in kustomization(name).get("resources", ())]


def workloads(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the pods that these resources make."""
    return [one["spec"]["template"] for one in found if "template" in one.get("spec", {})]


def build(folder: Path) -> list[dict[str, Any]]:
    """Put an overlay together, by kustomize or by the one in kubectl."""
    tool = shutil.which("kustomize")
    command = [tool, "build"] if tool else [program("kubectl"), "kustomize"]
    done = subprocess.run([*command, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return documents(done.stdout)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the folder in which the secrets of the example are filled in."""
    folder = Path(shutil.copytree(FOLDER, tmp_path / "k8s"))
    for file in (folder / "example").glob("*.env.example"):
        shutil.copy(file, file.with_suffix(""))
    return folder


@pytest.mark.parametrize("file", [one for one in resources() if one.is_file()], ids=lambda file: file.name)
def test_a_resource_is_valid_and_has_no_field_that_kubernetes_does_not_know(file: Path):
    for document in documents(file.read_text(encoding="utf-8")):
        validate(document)


def test_every_file_is_named_by_a_kustomization_and_every_name_is_a_file():
    named = {file.resolve() for file in resources()}
    assert {file for file in named if not file.exists()} == set()
    components = {FOLDER / "example" / path for path in kustomization("example")["components"]}
    assert all((path / "kustomization.yaml").exists() for path in components)
    written = {path for path in FOLDER.glob("*/*.yaml") if path.name != "kustomization.yaml"}
    assert written == {file for file in named if file.is_file()}


def test_the_example_is_valid_as_a_whole_and_what_it_names_is_in_it(copy: Path):
    found = build(copy / "example")
    for document in found:
        validate(document)
    names = {(one["kind"], one["metadata"]["name"]) for one in found}
    for pod in workloads(found):
        for container in [*pod["spec"]["containers"], *pod["spec"].get("initContainers", ())]:
            for source in container.get("envFrom", ()):
                kind, key = ("ConfigMap", "configMapRef") if "configMapRef" in source else ("Secret", "secretRef")
                assert (kind, source[key]["name"]) in names
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            assert mounted <= {volume["name"] for volume in pod["spec"]["volumes"]} | {"node"}
    [scaler] = [one for one in found if one["kind"] == "HorizontalPodAutoscaler"]
    target = scaler["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) in names
    assert {one["metadata"]["namespace"] for one in found if one["kind"] != "Namespace"} == {"image-spider"}


def test_somebody_reaps_the_crawls_of_a_node(copy: Path):
    [node] = [pod for pod in workloads(build(copy / "example")) if pod["metadata"]["labels"][NAME] == "node"]
    assert node["spec"]["shareProcessNamespace"] is True  # the pod's own process 1 does


def test_nobody_but_a_node_is_given_the_password_of_nodes(copy: Path):
    found = build(copy / "example")
    [secret] = [one["metadata"]["name"] for one in found if "SCRAPYD_PASSWORD" in one.get("data", {})]
    holders = {pod["metadata"]["labels"][NAME] for pod in workloads(found) if secret in json.dumps(pod)}
    assert holders == {"node"}


def test_crawls_may_not_ask_a_node(copy: Path):
    found = build(copy / "example")
    [policy] = [one for one in found if one["metadata"]["name"] == "who-asks-nodes"]
    for rule in policy["spec"]["ingress"]:
        for source in rule["from"]:
            if "namespaceSelector" not in source:  # of the same namespace
                [expression] = source["podSelector"]["matchExpressions"]
                assert (expression["key"], expression["operator"]) == (NAME, "NotIn")
                assert {"worker", "task", "metrics"} <= set(expression["values"])


def test_selectors_select_the_pods_that_they_are_for(copy: Path):
    found = build(copy / "example")
    labels = [pod["metadata"]["labels"]["app.kubernetes.io/name"] for pod in workloads(found)]
    for one in found:
        selector = one.get("spec", {}).get("selector")
        if selector:
            assert selector.get("matchLabels", selector)["app.kubernetes.io/name"] in labels, one["metadata"]["name"]


def test_images_in_an_object_store_need_no_shared_volume(copy: Path):
    file = copy / "example/kustomization.yaml"
    file.write_text(
        file.read_text(encoding="utf-8").replace("# - ../object-store", "- ../object-store"), encoding="utf-8"
    )
    found = build(copy / "example")
    for document in found:
        validate(document)
    assert "PersistentVolumeClaim" not in {one["kind"] for one in found}
    volumes = [volume for pod in workloads(found) for volume in pod["spec"]["volumes"] if volume["name"] == "images"]
    assert volumes == [{"name": "images", "emptyDir": {}}] * 2


def test_a_container_task_is_valid_as_a_whole():
    found = build(FOLDER / "task")
    for document in found:
        validate(document)
    assert {one["kind"] for one in found} == {"Job", "ConfigMap"}
    [job] = [one for one in found if one["kind"] == "Job"]
    [wrong] = [rule["onExitCodes"] for rule in job["spec"]["podFailurePolicy"]["rules"] if "onExitCodes" in rule]
    assert (wrong["operator"], wrong["values"]) == ("In", [WRONG_USAGE])


def test_the_task_is_one_that_the_project_takes_and_knows_every_key_of(tmp_path: Path):
    [found] = [one for one in build(FOLDER / "task") if one["kind"] == "ConfigMap"]
    file = tmp_path / "task.json"
    file.write_text(found["data"]["task.json"], encoding="utf-8")
    config = read_config(file)
    assert config.unknown_keys() == ()
    assert config.target_urls


@pytest.mark.parametrize("name", ["example", "task"])
def test_where_every_image_is_found_is_said_where_it_is_changed(copy: Path, name: str):
    pods = workloads(build(copy / name))
    containers = [one for pod in pods for kind in ("containers", "initContainers") for one in pod["spec"].get(kind, ())]
    used = {one["image"] for one in containers}
    assert used == {f"{image['newName']}:{image['newTag']}" for image in kustomization(name)["images"]}


@pytest.mark.parametrize("file", [one for one in resources() if one.is_file()], ids=lambda file: file.name)
def test_a_pod_may_do_nothing_that_it_need_not(file: Path):
    for pod in workloads(documents(file.read_text(encoding="utf-8"))):
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 10001  # of deploy/docker/Dockerfile
        for container in [*spec["containers"], *spec.get("initContainers", ())]:
            rights = container["securityContext"]
            assert rights["allowPrivilegeEscalation"] is False
            assert rights["readOnlyRootFilesystem"] is True
            assert rights["capabilities"] == {"drop": ["ALL"]}
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
            assert "memory" in container["resources"]["limits"]


def test_the_autoscaler_goes_by_a_figure_that_scrapy_metrics_serves():
    [scaler] = documents((FOLDER / "base/worker-autoscaler.yaml").read_text(encoding="utf-8"))
    [metric] = scaler["spec"]["metrics"]
    name = metric["external"]["metric"]["name"]
    assert name in {PREFIX + figure.name for figure in FIGURES}
    [rule] = documents((FOLDER / "prometheus-adapter.yaml").read_text(encoding="utf-8"))[0]["rules"]["external"]
    assert rule["name"]["as"] == name
    assert rule["seriesQuery"].startswith(name)


def test_settings_are_settings_of_the_project():
    lines = (FOLDER / "base/settings.env").read_text(encoding="utf-8")
    secrets = (FOLDER / "example/secrets.env.example").read_text(encoding="utf-8")
    check(dict(re.findall(r"^(\w+)=(.*)$", lines + secrets, re.MULTILINE)))
