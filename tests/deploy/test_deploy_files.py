"""Dockerfile, compose file and Kubernetes objects fit each other, the service's flags and its times."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from globalner.cli import serve_verb
from globalner_service import ServiceSettings, serve
from globalner_service.metrics import ServiceMetrics

ROOT = Path(__file__).resolve().parents[2]
if not (ROOT / "deploy").is_dir():
    pytest.skip("a source distribution comes without deploy", allow_module_level=True)


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with what stands behind each; comments out, continued lines joined."""
    lines = [line for line in (ROOT / "Dockerfile").read_text("utf-8").splitlines() if not line.startswith("#")]
    whole = "\n".join(lines).replace("\\\n", " ")
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in whole.splitlines() if line)]


def values(instruction: str) -> list[str]:
    return [rest for word, rest in instructions() if word == instruction]


def variables_of_serve() -> set[str]:
    """Names of the environment variables that `globalner serve` reads."""
    command = typer.main.get_command(serve_verb.app)
    return {str(parameter.envvar) for parameter in command.params if parameter.envvar}


def objects() -> dict[str, dict[str, Any]]:
    parsed = list(yaml.safe_load_all((ROOT / "deploy" / "kubernetes.yaml").read_text("utf-8")))
    return {one["kind"]: one for one in parsed}


@pytest.fixture
def pod() -> dict[str, Any]:
    spec: dict[str, Any] = objects()["Deployment"]["spec"]["template"]["spec"]
    return spec


@pytest.fixture
def container(pod: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod["containers"]
    return only


def test_instructions_are_known_and_in_an_order_that_a_builder_takes() -> None:
    known = "FROM ARG ENV RUN WORKDIR COPY USER EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD"
    words = [word for word, _ in instructions()]
    assert words[0] == "FROM"
    assert set(words) <= set(known.split())
    for word in ("ENTRYPOINT", "CMD"):
        (value,) = values(word)
        assert all(isinstance(part, str) for part in json.loads(value)), "as a list, so that signals reach the program"
    built = re.fullmatch(r"\S+ AS (\w+)", values("FROM")[0])
    assert built
    stages = re.findall(r"(?:--from=|,from=)(\w+)", " ".join(values("COPY") + values("RUN")))
    assert set(stages) == {built[1]}


def test_what_is_copied_is_there() -> None:
    for copied in values("COPY"):
        *sources, _ = [part for part in copied.split() if not part.startswith("--")]
        if "--from=" not in copied:
            assert all((ROOT / source).exists() for source in sources), copied


def test_requirements_are_written_by_a_command_that_works() -> None:
    (line,) = [line for line in values("RUN") if "requirements.txt" in line and "tomllib" in line]
    words = shlex.split(line)
    done = subprocess.run([sys.executable, *words[1:3]], cwd=ROOT, capture_output=True, text=True, check=True)
    needed = {re.match(r"[\w-]+", line)[0] for line in done.stdout.splitlines()}  # type: ignore[index]
    assert {"torch", "transformers", "fastapi", "uvicorn", "prometheus-client"} <= needed
    assert not needed & {"pytest", "matplotlib", "peft", "httpx"}


def test_every_requirement_of_the_image_has_an_exact_version() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").lower().replace("_", "-").splitlines()
    fixed = {line.partition("==")[0] for line in lines if "==" in line}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["serve"]]
    names = {re.match(r"[\w-]+", line)[0].lower() for line in needed}  # type: ignore[index]
    assert names - fixed == set()


def test_the_health_check_is_a_program_that_asks_the_port_of_the_command() -> None:
    (health,) = values("HEALTHCHECK")
    program = json.loads(health.partition("CMD ")[2])
    compile(program[2], "<health check>", "exec")
    (command,) = values("CMD")
    port = json.loads(command)[-1]
    assert f":{port}/health" in program[2]
    assert values("EXPOSE") == [port]


def test_the_image_runs_as_the_user_that_kubernetes_names(pod: dict[str, Any], container: dict[str, Any]) -> None:
    (user,) = values("USER")
    security = pod["securityContext"]
    assert user == f"{security['runAsUser']}:{security['runAsGroup']}"
    assert security["runAsNonRoot"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_kubernetes_takes_the_objects() -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    found = objects()
    assert set(found) == {"Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler"}
    for one in found.values():
        kubernetes_validate.validate(one, kubernetes_validate.latest_version(), strict=True)
    broken = found["Deployment"] | {"spec": {**found["Deployment"]["spec"], "replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, kubernetes_validate.latest_version(), strict=True)


def test_objects_name_each_other(pod: dict[str, Any], container: dict[str, Any]) -> None:
    found = objects()
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert found["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert found["Service"]["spec"]["selector"] == labels
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert found["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == found["Deployment"]["metadata"]["name"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert found["Service"]["spec"]["ports"][0]["targetPort"] in ports
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    probes = {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {probe["port"] for probe in probes.values()} <= set(ports)
    assert [probe["path"] for probe in probes.values()] == ["/ready", "/health", "/ready"]


def test_pods_are_given_time_to_finish_what_they_accepted(pod: dict[str, Any], container: dict[str, Any]) -> None:
    environment = {one["name"]: one.get("value") for one in container["env"]}
    before = float(container["lifecycle"]["preStop"]["exec"]["command"][1])
    drain = float(environment["GLOBALNER_SHUTDOWN_TIMEOUT"])
    assert pod["terminationGracePeriodSeconds"] > before + drain + serve._LAST_ANSWERS_S


def test_the_replicas_follow_a_metric_that_the_service_has() -> None:
    (metric,) = objects()["HorizontalPodAutoscaler"]["spec"]["metrics"]
    metrics = ServiceMetrics()
    metrics.watch(queue_size=lambda: 0, in_flight=lambda: 0)
    assert metric["pods"]["metric"]["name"] in {family.name for family in metrics.registry.collect()}
    target = float(metric["pods"]["target"]["averageValue"])
    assert target < ServiceSettings(model="unused").max_queue_windows


def test_variables_are_those_of_the_command_line(container: dict[str, Any]) -> None:
    service = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]["globalner"]
    given = {*service["environment"], *(one["name"] for one in container["env"])}
    image = {name for line in values("ENV") for name in re.findall(r"(\w+)=", line)}
    ours = {name for name in given | image if name.startswith("GLOBALNER_")}
    assert ours
    assert ours <= variables_of_serve()


def test_the_compose_file_seals_the_service_and_gives_it_time_and_a_key() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    service = compose["services"]["globalner"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["secrets"] == list(compose["secrets"])
    environment = service["environment"]
    assert environment["GLOBALNER_API_KEY_FILE"] == f"/run/secrets/{service['secrets'][0]}"
    grace = float(service["stop_grace_period"].removesuffix("s"))
    assert grace > float(environment["GLOBALNER_SHUTDOWN_TIMEOUT"]) + serve._LAST_ANSWERS_S
    assert all(published.rpartition(":")[0].count(":") >= 1 for published in service["ports"]), "on loopback by itself"
    scraped = yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text("utf-8"))["scrape_configs"][0]
    assert scraped["static_configs"][0]["targets"] == [f"globalner:{environment['GLOBALNER_METRICS_PORT']}"]
