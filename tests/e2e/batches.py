"""weir batch as a process: lines to ask, a run, and what its files hold."""

import json
import os
import re
import signal
import subprocess

import yaml

import bodies
import daemon
from terminal import environment
from upstream import reply


def ask(custom_id, content="hi", *, url="/v1/chat/completions", method="POST", body=None, **fields):
    """A line of OpenAI's format, as text without its end."""
    body = {"model": "m", "messages": [{"role": "user", "content": content}], **fields} if body is None else body
    return json.dumps({"custom_id": custom_id, "method": method, "url": url, "body": body})


def said(request):
    """What the user says in a request that the upstream got."""
    return request.json()["messages"][-1]["content"]


def echo(request):
    """For Upstream.always(): answers with what the user said."""
    return reply(200, bodies.completion(said(request)))


def results(path, *, growing=False):
    """The results in a file, each checked for OpenAI's form. A file that is not there holds none.
    growing: a batch still writes it. Linux shows a reader a write page by page, so the last line may not be whole yet and is left out."""
    if not path.exists():
        return []
    text, _, rest = path.read_bytes().rpartition(b"\n")
    assert growing or not rest, f"{path} ends in the middle of a line: {rest[-200:]!r}"
    found = [json.loads(line) for line in text.splitlines()]
    for one in found:
        assert list(one) == ["id", "custom_id", "response", "error"], one
        assert re.fullmatch(r"batch_req_\d+_[0-9a-f]{12}", one["id"]), one
        assert (one["response"] is None) != (one["error"] is None), one
        if one["response"]:
            assert list(one["response"]) == ["status_code", "request_id", "body"], one
        else:
            assert {"code", "message"} <= set(one["error"]), one
    return found


def by_id(*paths, growing=False):
    """custom_id → result over all the files; fails where one came twice. growing: as in results()."""
    out = {}
    for path in paths:
        for one in results(path, growing=growing):
            assert one["custom_id"] not in out, f"{one['custom_id']} has two results"
            out[one["custom_id"]] = one
    return out


def content(result):
    return result["response"]["body"]["choices"][0]["message"]["content"]


class Folder:
    """Where batches run: in.jsonl, out.jsonl and out.errors.jsonl beside each other, and a user with nothing set up."""

    def __init__(self, path):
        self.path = path
        self.input, self.output, self.errors = (path / name for name in ("in.jsonl", "out.jsonl", "out.errors.jsonl"))
        self.running = []

    def put(self, *lines, end="\n"):
        """Writes the input: texts, or bytes as they are."""
        data = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
        self.input.write_bytes(data + end.encode())

    def config(self, upstream, **over):
        """The arguments for a configuration with the upstream in it that is quick to retry."""
        path = self.path / "batch.yaml"
        path.write_text(yaml.safe_dump(daemon.config_for(upstream, **over)))
        path.chmod(0o600)
        return "-c", path

    def start(self, *args, env=None, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, limit=None):
        """limit: resource limits, as {resource.RLIMIT_FSIZE: 1000}."""
        def set_limits():
            import resource
            for what, value in (limit or {}).items():
                resource.setrlimit(what, (value, resource.getrlimit(what)[1]))

        process = subprocess.Popen([str(daemon.WEIR), "batch", *map(str, args)], cwd=self.path, stdin=stdin, stdout=stdout,
                                   stderr=stderr, env=environment(self.path, env), preexec_fn=set_limits if limit else None)
        self.running.append(process)
        return process

    def run(self, *args, expect=0, input=None, timeout=50, **options):
        """Runs one to its end; returns (stdout, stderr) as text. expect: the exit status."""
        if input is not None:
            options["stdin"] = subprocess.PIPE
        return self.end(self.start(*args, **options), expect, input=input, timeout=timeout)

    def end(self, process, expect, *, input=None, timeout=50):
        """Waits for the end of one that was started."""
        out, err = process.communicate(input.encode() if isinstance(input, str) else input, timeout)
        out, err = (out or b"").decode("utf-8", "replace"), (err or b"").decode("utf-8", "replace")
        assert not daemon.DAMAGE.search(err), err
        assert process.returncode == expect, f"status {process.returncode}, not {expect}; it said:\n{err}"
        for secret in daemon.SECRETS:
            assert secret not in out + err, f"{secret} was shown"
        return out, err

    def close(self):
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.communicate()


class Simulator:
    """weir sim as a process."""

    def __init__(self, *args):
        self.process = subprocess.Popen([str(daemon.WEIR), "sim", "--listen", "127.0.0.1:0", *args], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
        first = self.process.stderr.readline()
        found = re.match(r"weir sim listens on (http://\S+)$", first)
        assert found, first
        self.url = found[1]

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        _, said_last = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, said_last
