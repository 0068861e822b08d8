"""compose.yaml and the Kubernetes manifests of packaging/, read and played against the real weir: commands, configurations, ports, paths,
secrets. What the Dockerfile builds is played by tools/play-image."""

import json
import re
import signal

import pytest
import yaml

import bodies
import daemon
import wire
from upstream import reply

PACKAGING = daemon.ROOT / "packaging"
APP_KEY = "a-long-random-key-of-the-app"


def dockerfile(name):
    """The last word of the file on an instruction."""
    text = re.sub(r"\\\n\s*", " ", (PACKAGING / "Dockerfile").read_text())
    return re.findall(rf"^{name} (.*)$", text, re.M)[-1]


def seconds(text):
    return {"s": 1, "m": 60}[text[-1]] * int(text[:-1])


def stop_seconds(config):
    server = config.get("server") or {}
    return seconds(server.get("drain_delay", "0s")) + seconds(server.get("drain", "30s"))


class Place:
    """A container's file system as far as weir is given any of it: folders that are mounted, files that are put there."""

    def __init__(self, folder, upstream):
        self.folder, self.upstream = folder, upstream

    def put(self, path, text):
        target = self.folder / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def config_text(self, text, mounted):
        """Its text with this place in the place of /, a scripted provider in that of OpenAI, and a free port."""
        config = yaml.safe_load(text)
        host, _, port = config["listen"].rpartition(":")
        assert host == "0.0.0.0"  # else nobody outside reaches it
        for path in re.findall(r"\{file: ([^}]+)\}", text):
            assert any(path == m or path.startswith(f"{m}/") for m in mounted), f"{path} is not mounted"
        config = json.loads(json.dumps(config).replace('"file": "/', f'"file": "{self.folder}/'))
        config["providers"]["openai"]["url"] = self.upstream.url
        return yaml.safe_dump({**config, "listen": "127.0.0.1:0"}), int(port)


def ask(w, key=APP_KEY):
    return wire.chat(w, headers={"Authorization": f"Bearer {key}"} if key else {}).status


# -- compose -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def compose():
    whole = yaml.safe_load((PACKAGING / "compose.yaml").read_text())
    assert list(whole["services"]) == ["weir"]
    return whole


def test_compose(weir, upstream, tmp_path, compose):
    service = compose["services"]["weir"]
    place = Place(tmp_path, upstream)
    mounted = [f"/run/secrets/{name}" for name in service["secrets"]]
    assert set(service["secrets"]) == set(compose["secrets"])
    place.put("/run/secrets/openai_key", daemon.PROVIDER_KEY + "\n")
    place.put("/run/secrets/app_key", APP_KEY + "\n")
    [mount] = service["configs"]
    text, port = place.config_text(compose["configs"][mount["source"]]["content"], mounted)
    assert service["command"] == ["serve", "-c", mount["target"]]
    assert service["ports"] == [f"127.0.0.1:{port}:{port}"] and int(dockerfile("EXPOSE")) == port
    upstream.always(reply(200, bodies.completion()))
    w = weir(text)
    assert (ask(w), ask(w, key=None)) == (200, 401)
    assert upstream.requests[-1].header("authorization") == f"Bearer {daemon.PROVIDER_KEY}"


def test_compose_gives_the_time_to_stop(compose):
    config = yaml.safe_load(compose["configs"]["weir"]["content"])
    assert seconds(compose["services"]["weir"]["stop_grace_period"]) > stop_seconds(config)


def test_compose_builds_the_image(compose):
    build = compose["services"]["weir"]["build"]
    context = (PACKAGING / build["context"]).resolve()
    assert context == daemon.ROOT and (context / build["dockerfile"]).is_file()


def test_no_secret_is_sent_to_the_build(compose):
    """Whoever keeps the keys where compose.yaml looks for them does not build them into an image."""
    ignored = (daemon.ROOT / ".dockerignore").read_text().splitlines()
    for secret in compose["secrets"].values():
        assert f"packaging/{secret['file'].split('/')[0]}" in ignored
    assert {"weir.yaml", ".env*", ".git"} <= set(ignored)


# -- Kubernetes --------------------------------------------------------------------------------------------------------


@pytest.fixture
def kubernetes():
    whole = [document for path in sorted((PACKAGING / "kubernetes").glob("*.yaml")) for document in yaml.safe_load_all(path.read_text())]
    return {document["kind"]: document for document in whole}


def mount_volume(place, path, files, generation):
    """As the kubelet does it: a folder a generation, and links through one that is turned in one step."""
    folder = place.folder / path.lstrip("/")
    (folder / f"..{generation}").mkdir(parents=True)
    for name, text in files.items():
        (folder / f"..{generation}" / name).write_text(text)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    new = folder / "..data_tmp"
    new.symlink_to(f"..{generation}")
    new.replace(folder / "..data")


@pytest.fixture
def pod(kubernetes, weir, upstream, tmp_path):
    """A function that starts the Deployment's container, and one that renews what is mounted."""
    spec = kubernetes["Deployment"]["spec"]["template"]["spec"]
    [container] = spec["containers"]
    mounts = {m["name"]: m["mountPath"] for m in container["volumeMounts"]}
    volumes = {v["name"]: v for v in spec["volumes"]}
    assert volumes["config"]["configMap"]["name"] == kubernetes["ConfigMap"]["metadata"]["name"]
    assert volumes["secrets"]["secret"]["secretName"] == kubernetes["Secret"]["metadata"]["name"]
    assert not any("subPath" in m for m in container["volumeMounts"])  # such a file is never renewed
    place = Place(tmp_path, upstream)
    [(name, text)] = kubernetes["ConfigMap"]["data"].items()
    text, port = place.config_text(text, mounts.values())
    assert container["args"] == ["serve", "-c", f"{mounts['config']}/{name}"]
    secrets = dict(kubernetes["Secret"]["stringData"], openai=daemon.PROVIDER_KEY, app=APP_KEY)

    class Pod:
        listens = port

        @staticmethod
        def renew(generation, **over):
            mount_volume(place, mounts["secrets"], {**secrets, **over}, generation)

        @staticmethod
        def start(delay):
            return weir(text.replace("drain_delay: 10s", f"drain_delay: {delay}"))

    Pod.renew("first")
    upstream.always(reply(200, bodies.completion()))
    Pod.container, Pod.spec = container, spec
    return Pod


def test_kubernetes_pod(pod, kubernetes):
    w = pod.start("1h")
    assert (ask(w), ask(w, key=None)) == (200, 401)
    ports = {p["name"]: p["containerPort"] for p in pod.container["ports"]}
    for name in ["startupProbe", "livenessProbe", "readinessProbe"]:
        probe = pod.container[name]["httpGet"]
        assert ports[probe["port"]] == pod.listens
        assert wire.call(w, "GET", probe["path"]).status == 200
    [port] = kubernetes["Service"]["spec"]["ports"]
    assert port["targetPort"] in ports
    annotations = kubernetes["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert int(annotations["prometheus.io/port"]) == pod.listens
    assert b"weir_calls_total" in wire.call(w, "GET", annotations["prometheus.io/path"]).body
    # The pod is deleted: it is alive, not ready, and serves whoever has not heard of it.
    w.process.send_signal(signal.SIGTERM)
    w.wait_text('"leaving"')
    assert wire.call(w, "GET", pod.container["readinessProbe"]["httpGet"]["path"]).status == 503
    assert wire.call(w, "GET", pod.container["livenessProbe"]["httpGet"]["path"]).status == 200
    assert ask(w) == 200
    w.process.send_signal(signal.SIGTERM)
    w.wait_exit()


def test_kubernetes_renews_a_key(pod):
    w = pod.start("0s")
    assert ask(w, key="the-next-key-of-the-app") == 401
    pod.renew("second", app="the-next-key-of-the-app")
    daemon.wait_until(lambda: ask(w, key="the-next-key-of-the-app") == 200, 20, "the renewed key was not taken")


def test_kubernetes_gives_the_times(pod, kubernetes):
    config = yaml.safe_load(kubernetes["ConfigMap"]["data"]["weir.yaml"])
    readiness = pod.container["readinessProbe"]
    assert pod.spec["terminationGracePeriodSeconds"] > stop_seconds(config)
    assert seconds(config["server"]["drain_delay"]) > readiness["periodSeconds"] * readiness["failureThreshold"]


def test_kubernetes_runs_no_root(pod):
    """runAsNonRoot is checked against the image's user, which has to be a number."""
    assert pod.spec["securityContext"]["runAsNonRoot"] is True
    assert int(dockerfile("USER")) > 0
    assert pod.spec["securityContext"]["fsGroup"] == int(dockerfile("USER"))
    [secret] = [v["secret"] for v in pod.spec["volumes"] if "secret" in v]
    assert secret["defaultMode"] == 0o440


def test_kubernetes_names(kubernetes):
    labels = kubernetes["Deployment"]["spec"]["template"]["metadata"]["labels"]
    for selector in [kubernetes["Deployment"]["spec"]["selector"]["matchLabels"], kubernetes["Service"]["spec"]["selector"],
                     kubernetes["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]]:
        assert selector == labels
    assert set(kubernetes) == {"ConfigMap", "Secret", "Deployment", "Service", "PodDisruptionBudget"}
