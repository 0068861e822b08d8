#!/usr/bin/env bash
# Two price tables of the same weeks: of 197 names that both know, 21 cost something else, up to five times as much.
#
# Versions  litellm 1.110.2 (its own table, which the package brings) and genai-prices 0.2.3 (both Python).
# Input     A thousand tokens in, and a thousand out, for each chat model of OpenAI, Anthropic, Google, Mistral, DeepSeek, xAI and
#           Cohere that both packages have a price for; at noon, UTC, of 2026-11-27.
# Guess     Both copy the vendors' public price lists, so for models that are on sale they agree.
# Seen      All of OpenAI's, Anthropic's, Google's and Cohere's do. Of Mistral's, DeepSeek's and xAI's 21 do not: names that move
#           (mistral-large-latest: 0.5 and 1.5 dollars a million, or 2 and 6), a price that changed (grok-code-fast-1: 1 and 2, or
#           0.2 and 1.5), and DeepSeek, whose prices hang on the hour: genai-prices has two for a day, litellm the dearer one for
#           all of it. Neither says that it is unsure.
# Matters   Two tools in one company bill the same call differently, and each looks exact to the last digit. Whoever bills by a table
#           should write its date beside the figure, and set the prices of his own contract, above all for names that move.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  litellm==1.110.2 genai-prices==0.2.3; } >&2 || cannot "pip install"

cat >"$dir/run.py" <<'PYTHON'
import datetime
import importlib.util
import json
import pathlib
import sys
from collections import Counter

from genai_prices import Usage, calc_price

VENDORS = {"openai": "openai", "anthropic": "anthropic", "gemini": "google", "mistral": "mistral", "deepseek": "deepseek",
           "xai": "x-ai", "cohere": "cohere", "cohere_chat": "cohere"}
NOON = datetime.datetime(2026, 11, 27, 12, tzinfo=datetime.timezone.utc)
package = pathlib.Path(importlib.util.find_spec("litellm").origin).parent
table = json.loads((package / "model_prices_and_context_window_backup.json").read_text())


def by_genai(vendor, model):
    """Dollars for a million tokens in, and out; None: it knows no such model."""
    try:
        into = calc_price(Usage(input_tokens=1000), model_ref=model, provider_id=vendor, genai_request_timestamp=NOON)
        out = calc_price(Usage(output_tokens=1000), model_ref=model, provider_id=vendor, genai_request_timestamp=NOON)
    except LookupError:
        return None
    return round(float(into.input_price) * 1000, 6), round(float(out.output_price) * 1000, 6)


agree, differ = Counter(), {}
for name, row in table.items():
    if row.get("mode") != "chat" or row.get("litellm_provider") not in VENDORS:
        continue
    if not row.get("input_cost_per_token") or not row.get("output_cost_per_token"):
        continue
    vendor = VENDORS[row["litellm_provider"]]
    other = by_genai(vendor, name.rpartition("/")[2])
    if other is None:
        continue
    own = round(row["input_cost_per_token"] * 1e6, 6), round(row["output_cost_per_token"] * 1e6, 6)
    if own == other:
        agree[vendor] += 1
    else:
        differ[name] = own, other

print("agree ", sum(agree.values()), dict(agree))
print("differ", len(differ))
for name, (own, other) in differ.items():
    print(f"  {name:44} litellm {own}, genai-prices {other}")
told = {"mistral/mistral-large-latest": ((0.5, 1.5), (2.0, 6.0)), "xai/grok-code-fast-1": ((1.0, 2.0), (0.2, 1.5)),
        "deepseek-v4-pro": ((1.32, 3.96), (0.66, 1.98))}
same = sum(agree.values()) == 176 and len(differ) == 21 and all(differ.get(name) == both for name, both in told.items())
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
LITELLM_LOCAL_MODEL_COST_MAP=True "$dir/venv/bin/python" "$dir/run.py"
