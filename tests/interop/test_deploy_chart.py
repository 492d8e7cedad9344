# SPDX-License-Identifier: Apache-2.0
"""Kubernetes, as far as it can be seen without a cluster: what helm and kubectl make of deploy/, against the schemas of the last three
versions, and the configuration in it against the server that is to read it."""

from __future__ import annotations

import filecmp
import json
import os
import re
import shutil
import subprocess

import kubernetes_validate
import pytest
import yaml

from lib import chart
from lib.media import program
from lib.server import ROOT

KUSTOMIZE = os.path.join(ROOT, "deploy", "kustomize")
SETS = sorted(name[:-5] for name in os.listdir(chart.VALUES))
SERVER = os.path.join(os.path.dirname(program()[-1]), "auralink-server")
# Custom resources, whose schemas come with who defines them: only rendered.
CUSTOM = {"ScaledObject", "ServiceMonitor", "Certificate"}


def values_of(name: str) -> list[str]:
    return ["-f", os.path.join(chart.VALUES, f"{name}.yaml")]


def valid(objects: list[dict], version: str) -> int:
    """Against the strict schemas: unknown fields are errors too."""
    for o in objects:
        if o["kind"] not in CUSTOM:
            kubernetes_validate.validate(o, version, strict=True)
    return sum(o["kind"] not in CUSTOM for o in objects)


def pods(objects: list[dict]) -> list[dict]:
    return [o["spec"]["template"]["spec"] for o in objects if o["kind"] in ("StatefulSet", "DaemonSet", "Deployment")]


@pytest.mark.parametrize("name", SETS)
def test_lint(name):
    done = chart.run("lint", "--strict", "--kube-version", "1.37.0", chart.CHART, *values_of(name))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", chart.KUBERNETES)
@pytest.mark.parametrize("name", SETS)
def test_schemas(name, version):
    assert valid(chart.rendered(*values_of(name), version=version), version) > 4


def test_schemas_find_mistakes():
    """What the test above relies on."""
    [server] = chart.of(chart.rendered("--set", chart.KEYS), "StatefulSet")
    server["spec"]["replicas"] = "two"
    with pytest.raises(kubernetes_validate.ValidationError):
        valid([server], "1.37")
    server["spec"]["replicas"] = 2
    server["spec"]["template"]["spec"]["hostnetwork"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        valid([server], "1.37")


@pytest.mark.parametrize("name", SETS)
def test_server_reads_its_configuration(name, tmp_path, certificates):
    """`auralink-server --config-check` accepts each pod's file: files that it names are put where it looks."""
    place = str(tmp_path)
    for file in ("keys/keys.yaml", "turn/secret"):
        path = tmp_path / file
        path.parent.mkdir()
        path.write_text("APIkey: a-secret-that-is-long-enough-for-a-test\n" if "keys" in file else "0123456789abcdef0123456789abcdef\n")
        path.chmod(0o440)
    for folder, mine in (("tls", "server"), ("aicore", "client"), ("cluster", "server")):
        (tmp_path / folder).mkdir()
        for file, source in (("ca.crt", "ca.pem"), ("tls.crt", f"{mine}.pem"), ("tls.key", f"{mine}.key")):
            shutil.copy(certificates[source], tmp_path / folder / file)
            (tmp_path / folder / file).chmod(0o440)
    objects = chart.rendered(*values_of(name))
    container = next(pod for pod in pods(objects) if pod["containers"][0]["name"] == "server")["containers"][0]
    more = {e["name"]: e["value"].replace("$(REDIS_PASSWORD)", "a: \"b").replace("$(POD_IP)", "10.1.2.3")
            for e in container["env"] if "value" in e}
    for file, text in chart.configs(objects).items():
        path = tmp_path / file
        path.write_text(text.replace("/etc/auralink", place))
        done = subprocess.run([SERVER, "--config", str(path), "--config-check"], capture_output=True, text=True, timeout=60,
                              env={**os.environ, **more})
        assert done.returncode == 0, (file, done.stderr)
        odd = [line for line in done.stderr.splitlines() if "warning" in line]
        assert not odd, odd


def test_mistake_in_configuration(tmp_path):
    """…and refuses what the chart passes through unseen."""
    objects = chart.rendered("--set", chart.KEYS, "--set", "server.config.room.max_participnts=3")
    [text] = chart.configs(objects).values()
    (tmp_path / "c.yaml").write_text(text)
    done = subprocess.run([SERVER, "--config", str(tmp_path / "c.yaml"), "--config-check"], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "max_participnts" in done.stderr


@pytest.mark.parametrize("name", SETS)
def test_pods_have_no_rights(name):
    """Every container: no root, nothing to write but what is meant for it, no capability, no token of the cluster's."""
    found = pods(chart.rendered(*values_of(name)))
    assert found
    for pod in found:
        assert pod["securityContext"]["runAsNonRoot"] and pod["automountServiceAccountToken"] is False
        assert not pod.get("hostNetwork")
        for c in pod["containers"]:
            right = c["securityContext"]
            assert right["readOnlyRootFilesystem"] and right["allowPrivilegeEscalation"] is False, c["name"]
            assert right["capabilities"] == {"drop": ["ALL"]}
            assert c["resources"]["requests"] and c["resources"]["limits"]["memory"]
        names = {v["name"] for v in pod["volumes"]} | {"state"}
        assert {m["name"] for c in pod["containers"] for m in c["volumeMounts"]} <= names
        for v in pod["volumes"]:
            assert "secret" not in v or v["secret"]["defaultMode"] == 0o440, v


@pytest.mark.parametrize("name", SETS)
def test_parts_fit(name):
    """Selectors choose pods that are there, services name ports that they have, a drain fits into what the pod gets."""
    objects = chart.rendered(*values_of(name))
    templates = [o["spec"]["template"] for o in objects if o["kind"] in ("StatefulSet", "DaemonSet", "Deployment")]

    def chosen(selector: dict) -> list[dict]:
        wanted = {k: v for k, v in selector.items() if k != "statefulset.kubernetes.io/pod-name"}
        return [t for t in templates if wanted.items() <= t["metadata"]["labels"].items()]

    for service in chart.of(objects, "Service"):
        [template] = chosen(service["spec"]["selector"])
        named = {p["name"] for c in template["spec"]["containers"] for p in c["ports"]}
        for port in service["spec"]["ports"]:
            assert isinstance(port["targetPort"], int) or port["targetPort"] in named, (service["metadata"]["name"], port)
    for kind in ("PodDisruptionBudget", "NetworkPolicy"):
        for o in chart.of(objects, kind):
            spec = o["spec"]
            assert len(chosen(spec.get("selector", spec.get("podSelector"))["matchLabels"])) == 1, o["metadata"]
    for o in chart.of(objects, "HorizontalPodAutoscaler") + chart.of(objects, "ScaledObject"):
        [deployment] = chart.of(objects, "Deployment", o["spec"]["scaleTargetRef"]["name"])
        assert "replicas" not in deployment["spec"], "an upgrade would undo what was scaled"
    for pod in pods(objects):
        for c in pod["containers"]:
            if "lifecycle" in c:
                drain = [int(re.sub(r"\D", "", a)) for a in c["args"] if a.startswith("--drain")]
                drain += [int(yaml.safe_load(text)["drain_timeout"][:-1]) for text in chart.configs(objects).values() if c["name"] == "server"]
                pause = c["lifecycle"]["preStop"]["sleep"]["seconds"]
                assert drain and pod["terminationGracePeriodSeconds"] >= pause + max(drain) + 5


def test_each_pod_is_reached_by_its_own_port():
    """NodePort: what a pod listens on is the number that clients are told, so nothing has to be translated."""
    objects = chart.rendered("--set", chart.KEYS, "--set", "server.replicas=3", "--set", "redis.address=r:6379")
    files = chart.configs(objects)
    assert len(files) == 3
    for i in range(3):
        rtc = yaml.safe_load(files[f"auralink-server-{i}.yaml"])["rtc"]
        assert rtc["single_port"] and rtc["udp_port"] == rtc["tcp_port"] == 30780 + i
        [service] = chart.of(objects, "Service", f"auralink-server-{i}-media")
        assert service["spec"]["selector"]["statefulset.kubernetes.io/pod-name"] == f"auralink-server-{i}"
        assert service["spec"]["externalTrafficPolicy"] == "Local"
        assert {(p["protocol"], p["port"], p["targetPort"], p["nodePort"]) for p in service["spec"]["ports"]} == {
            (protocol, 30780 + i, 30780 + i, 30780 + i) for protocol in ("UDP", "TCP")}
    [policy] = chart.of(objects, "NetworkPolicy", "auralink-server")
    assert {(p["port"], p["endPort"]) for p in policy["spec"]["ingress"][0]["ports"]} == {(30780, 30782)}
    cloud = chart.configs(chart.rendered(*values_of("cloud")))
    assert [yaml.safe_load(text)["rtc"]["node_ip"] for _, text in sorted(cloud.items())] == [f"203.0.113.{n}" for n in (10, 11, 12)]


def test_generated_certificates(tmp_path):
    """The authority that helm makes vouches for AI Core under the name that servers use, and for the servers."""
    objects = chart.rendered("--set", chart.KEYS)
    for which, purpose in (("tls", "sslserver"), ("client", "sslclient")):
        [secret] = chart.of(objects, "Secret", f"auralink-aicore-{which}")
        for name, value in secret["data"].items():
            (tmp_path / name).write_text(subprocess.run(["base64", "-d"], input=value, capture_output=True, text=True, check=True).stdout)
        address = yaml.safe_load(next(iter(chart.configs(objects).values())))["aic"]["ai_core"]["address"]
        host = ["-verify_hostname", address.split(":")[0]] if which == "tls" else []
        subprocess.run(["openssl", "verify", "-CAfile", tmp_path / "ca.crt", "-purpose", purpose, *host, tmp_path / "tls.crt"], check=True,
                       capture_output=True)


def test_generated_certificates_of_nodes(tmp_path):
    """One authority for all servers, each of them client and server to the others."""
    [secret] = chart.of(chart.rendered(*values_of("cloud")), "Secret", "auralink-cluster-tls")
    for name, value in secret["data"].items():
        (tmp_path / name).write_text(subprocess.run(["base64", "-d"], input=value, capture_output=True, text=True, check=True).stdout)
    for purpose in ("sslserver", "sslclient"):
        subprocess.run(["openssl", "verify", "-CAfile", tmp_path / "ca.crt", "-purpose", purpose, tmp_path / "tls.crt"], check=True,
                       capture_output=True)


@pytest.mark.parametrize("words, says", [
    ([], "auth: give existingSecret, or keys"),
    (["server.replica=2"], "'/server': additional properties 'replica' not allowed"),
    (["server.kind=Deployment"], "'/server/kind': value must be one of"),
    (["server.media.nodePort=7882"], "'/server/media/nodePort': minimum: got 7,882, want 30,000"),
    (["auth.keys.a=short"], "'/auth/keys/a'"),
    (["server.replicas=2"], "redis.address: more than one server"),
    (["server.media.type=LoadBalancer"], "server.media.loadBalancer.addresses: there must be 1"),
    (["server.kind=DaemonSet", "server.media.type=LoadBalancer"], "a DaemonSet's pods cannot have load balancers"),
    (["server.hostNetwork=true"], "server.hostNetwork goes with server.media.type HostPort"),
    (["redis.address=redis://r:6379"], "'/redis/address'"),
    (["aicore.autoscaling.minReplicas=0"], "to go to 0 pods take scaler keda"),
    (["aicore.autoscaling.targetLoad=0.8"], "'/aicore/autoscaling/targetLoad': maximum"),
    (["redis.address=r:6379", "cluster.tls.mode=existing"], "cluster.tls: mode existing wants"),
    (["redis.address=r:6379", "cluster.tls.mode=certManager"], "cluster.tls.issuerRef.name"),
    (["aicore.tls.mode=certManager"], "which issuer of cert-manager"),
    (["coturn.enabled=true", "coturn.secret=x"], "coturn.peers: name the addresses"),
])
def test_mistakes_are_named(words, says):
    given = [] if not words or words[0].startswith("auth") else ["--set", chart.KEYS]
    for word in words:
        given += ["--set-json" if "targetLoad" in word else "--set", word]
    done = chart.run("template", "auralink", chart.CHART, "--kube-version", "1.37.0", *given)
    assert done.returncode != 0 and says in done.stderr, done.stderr


def test_every_value_is_in_the_schema():
    """values.yaml and values.schema.json have the same names."""
    def names(values: dict, schema: dict, at: str = "") -> None:
        if schema.get("additionalProperties") is False:
            assert set(values) == set(schema["properties"]) - {"global"}, at
            for key, value in values.items():
                if isinstance(value, dict):
                    names(value, schema["properties"][key], f"{at}/{key}")

    with open(os.path.join(chart.CHART, "values.yaml")) as values, open(os.path.join(chart.CHART, "values.schema.json")) as schema:
        names(yaml.safe_load(values), json.load(schema))


def test_dashboards():
    objects = chart.rendered(*values_of("nodes"))
    [found] = chart.of(objects, "ConfigMap", "auralink-dashboards")
    for name, text in found["data"].items():
        with open(os.path.join(ROOT, "deploy", "grafana", name)) as file:
            assert json.loads(text) == json.load(file)
    assert "auralink.json" in found["data"]


def test_kustomize(tmp_path):
    """The plain files are what the chart makes; kubectl builds them, and what overlays them; all of it is valid."""
    if not shutil.which("kubectl"):
        pytest.skip("no kubectl")
    shutil.copytree(os.path.join(ROOT, "deploy"), tmp_path / "deploy", symlinks=True)
    subprocess.run([tmp_path / "deploy" / "kustomize" / "render.sh"], check=True, env={**os.environ, "HELM": chart.helm()})
    for which in ("single", "nodes"):
        same = filecmp.cmp(tmp_path / "deploy" / "kustomize" / which / "auralink.yaml",
                           os.path.join(KUSTOMIZE, which, "auralink.yaml"), shallow=False)
        assert same, f"{which}: run deploy/kustomize/render.sh"
    for which, has in (("single", "StatefulSet"), ("nodes", "DaemonSet"), ("example", "StatefulSet")):
        done = subprocess.run(["kubectl", "kustomize", os.path.join(KUSTOMIZE, which)], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        objects = [o for o in yaml.safe_load_all(done.stdout) if o]
        assert chart.of(objects, has) and all(o["metadata"].get("namespace") == "auralink" for o in objects)
        for version in chart.KUBERNETES:
            assert valid(objects, version) == len(objects)
    assert chart.of(objects, "HorizontalPodAutoscaler")[0]["spec"]["maxReplicas"] == 30
    assert chart.of(objects, "ConfigMap", "auralink-dashboards")
