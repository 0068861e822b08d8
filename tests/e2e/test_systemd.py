"""The unit that is installed, and the worked example of docs/operations.md over it: both read from their files, and played here. systemd
itself looks at them where it is installed."""

import os
import re
import shlex
import shutil
import subprocess

import pytest
import yaml
from cryptography import x509

import bodies
import daemon
import pki
import wire
from upstream import reply

UNIT = daemon.WEIR.parent / "packaging" / "weir.service"


def unit_lines(text):
    """A unit's settings, in their order: ("ExecStart", "…")."""
    return re.findall(r"^(\w+)=(.*)$", text, re.M)


def values(text, name):
    return [value for key, value in unit_lines(text) if key == name]


def page_blocks(heading):
    """The fenced blocks under a heading of docs/operations.md: [("sh", text), …]."""
    page = (daemon.ROOT / "docs/operations.md").read_text()
    section = page.partition(f"\n### {heading}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", section, re.M | re.S)
    assert blocks, heading
    return blocks


# -- reload ------------------------------------------------------------------------------------------------------------


def systemctl_reload(w):
    """What systemd does: one command after the other, until one fails."""
    for command in values(UNIT.read_text(), "ExecReload"):
        words = [str(w.process.pid) if word == "$MAINPID" else word for word in shlex.split(command)]
        if words[0].endswith("/weir"):
            assert words[0] == shlex.split(values(UNIT.read_text(), "ExecStart")[0])[0]
            words[0] = str(daemon.WEIR)
        words = [str(w.config_path) if word == "/etc/weir/weir.yaml" else word for word in words]
        done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "MAINPID": str(w.process.pid)})
        if done.returncode:
            return done
    return done


def test_reload_takes_up_a_good_file(weir, upstream):
    w = weir(upstream)
    w.write_config(daemon.config_for(upstream, models={"*": "main", "fresh": "main"}) | {"listen": w.listen})
    assert systemctl_reload(w).returncode == 0
    w.wait_text("config_reloaded")


def test_reload_of_a_wrong_file_fails_and_says_why(weir, upstream):
    w = weir(upstream)
    w.config_path.write_text("listen: 127.0.0.1:0\nretry: {retries: many}\n")
    done = systemctl_reload(w)
    assert done.returncode == 1
    assert re.search(r"weir\.yaml:2:18: .*retry\.retries", done.stderr), done.stderr
    upstream.script(reply(200, bodies.completion()))
    assert wire.chat(w).status == 200  # as it was


def test_start_and_reload_read_the_same_file():
    text = UNIT.read_text()
    start, check = shlex.split(values(text, "ExecStart")[0]), shlex.split(values(text, "ExecReload")[0])
    assert start[1] == "serve" and check[1] == "check"
    assert start[2:] == check[2:] == ["-c", "/etc/weir/weir.yaml"]
    assert start[0] == check[0]


def test_the_time_to_stop_is_enough_for_the_defaults():
    limit = int(values(UNIT.read_text(), "TimeoutStopSec")[0])
    options = yaml.safe_load(subprocess.run([daemon.WEIR, "check", "--explain"], capture_output=True, text=True, check=True,
                                            cwd="/", env={"PATH": os.environ["PATH"]}).stdout)
    seconds = sum(int(re.fullmatch(r"(\d+)s", options["server"][name])[1]) for name in ["drain_delay", "drain"])
    assert seconds < limit


# -- keys and certificates that rotate ---------------------------------------------------------------------------------


@pytest.fixture
def example(tmp_path):
    """The blocks of the page, with a folder in the place of /etc/weir and the group of whoever runs this."""
    group = os.getegid()
    folder = tmp_path / "etc"

    def here(text):
        return text.replace("/etc/weir", str(folder)).replace("-g weir-secrets", f"-g {group}")

    blocks = {}
    for kind, text in page_blocks("Keys and certificates that rotate"):
        blocks.setdefault("hook" if text.startswith("#!") else kind, here(text))
    assert set(blocks) == {"sh", "ini", "yaml", "hook"}
    folder.mkdir()
    for line in blocks["sh"].splitlines():
        words = shlex.split(line)
        assert words[0] == "sudo"
        if words[1] != "groupadd":
            subprocess.run(words[1:], check=True)
    blocks["folder"] = folder
    return blocks


def test_secrets_rotate_as_the_page_says(weir, upstream, tmp_path, example):
    folder, authority = example["folder"], pki.Authority(tmp_path / "pki")
    lineage = tmp_path / "lineage"
    lineage.mkdir()

    def renew():
        """What certbot does: new files in its own folder, then the hook."""
        identity = authority.issue("localhost", "127.0.0.1")
        shutil.copy(identity.cert, lineage / "fullchain.pem")
        shutil.copy(identity.key, lineage / "privkey.pem")
        hook = tmp_path / "hook"
        hook.write_text(example["hook"])
        subprocess.run(["sh", hook], check=True, env={**os.environ, "RENEWED_LINEAGE": str(lineage)})
        return identity.serial

    def write_secret(path, text):
        new = path.with_suffix(".new")
        new.write_text(text + "\n")
        new.replace(path)

    def credentials():
        """systemd's part at the start: a copy of each, in a folder of the service."""
        run = tmp_path / "run"
        run.mkdir()
        for setting in values(example["ini"], "LoadCredential"):
            name, _, path = setting.partition(":")
            shutil.copy(path, run / name)
        return str(run)

    serial = renew()
    assert {path.stat().st_mode & 0o777 for path in (folder / "secrets").iterdir()} == {0o640}
    write_secret(folder / "credentials/openai", "sk-first-of-openai")
    write_secret(folder / "secrets/local", "sk-first-of-local")
    write_secret(folder / "secrets/app", "client-key-of-the-app")
    config = yaml.safe_load(example["yaml"].replace("http://127.0.0.1:8000", upstream.url.removesuffix("/v1")))
    config["providers"]["openai"]["url"] = upstream.url
    config["listen"][0]["address"] = "127.0.0.1:0"
    upstream.always(reply(200, bodies.completion()))
    w = weir({**config, "logs": {"format": "json"}}, listen=config["listen"], wait=False, env={"CREDENTIALS_DIRECTORY": credentials()})
    context = authority.client()
    daemon.wait_until(lambda: w.address, 20, "no address")

    def shown():
        with wire.connect(w, tls=context) as c:
            return x509.load_der_x509_certificate(c.sock.getpeercert(binary_form=True)).serial_number

    def key_given(model):
        with wire.connect(w, tls=context) as c:
            c.request("POST", "/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": "x"}]},
                      headers={"Authorization": "Bearer client-key-of-the-app"})
            assert c.answer().status == 200
        return upstream.requests[-1].header("authorization")

    assert shown() == serial
    assert key_given("m") == "Bearer sk-first-of-openai"
    assert key_given("local-m") == "Bearer sk-first-of-local"
    fresh = renew()
    write_secret(folder / "secrets/local", "sk-second-of-local")
    daemon.wait_until(lambda: shown() == fresh, 20, "the renewed certificate was not shown")
    daemon.wait_until(lambda: key_given("local-m") == "Bearer sk-second-of-local", 20, "the new key was not used")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize("with_example", [False, True])
def test_systemd_takes_it(tmp_path, example, with_example):
    unit = tmp_path / "weir.service"
    unit.write_text(re.sub(r"(?m)^(Exec\w+=)/\S*/weir ", rf"\g<1>{daemon.WEIR} ", UNIT.read_text()))
    if with_example:
        (tmp_path / "weir.service.d").mkdir()
        (tmp_path / "weir.service.d/secrets.conf").write_text(example["ini"])
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True,
                          env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"})
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
