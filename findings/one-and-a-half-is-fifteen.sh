#!/usr/bin/env bash
# A model answers 15, right would be 1.5: that is an exact match, say the metrics of DSPy and DeepEval. To a third library -5 is 5.
#
# Versions  dspy 3.4.1, deepeval 4.3.1, inspect-ai 0.3.285, autoevals 0.4.1, haystack-ai 3.4.1 (all Python).
# Input     Pairs of an answer and what would be right: two numbers, a sign, a comparison, a fraction, a language, a vitamin; and "Yes." for
#           "yes", which is meant to match. By dspy.evaluate.answer_exact_match, deepeval's quasi_exact_match_score, inspect-ai's exact(), autoevals'
#           ExactMatch, Haystack's AnswerExactMatchEvaluator.
# Guess     A lenient match lets case and a full stop pass, and knows one number from another.
# Seen      DSPy and DeepEval take all of these pairs for equal. Both strike out every mark of punctuation and the words a, an, the, as SQuAD's script of 2016
#           did, whose answers are spans of Wikipedia: a decimal point, a minus and a "<" are punctuation too. inspect-ai's, after
#           DROP's script, keeps numbers as numbers and still has -5 for 5, 3/4 for 34, x > 5 for x < 5. autoevals and Haystack take none, nor "Yes.".
# Matters   DSPy's is the metric of its tutorials, by which prompts are optimised: an answer with the wrong sign or ten times too large is rewarded as a
#           right one, and is kept as an example for the next prompt. Arithmetic, units and code are what it sees least of.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  dspy==3.4.1 deepeval==4.3.1 inspect-ai==0.3.285 autoevals==0.4.1 haystack-ai==3.4.1; } >&2 || cannot "pip install"

cat >"$dir/run.py" <<'PYTHON'
import asyncio
import os
import sys

os.environ.update(DEEPEVAL_TELEMETRY_OPT_OUT="YES", HAYSTACK_TELEMETRY_ENABLED="False", LITELLM_LOCAL_MODEL_COST_MAP="True")
import autoevals
import dspy
from deepeval.scorer import Scorer
from dspy.evaluate import answer_exact_match
from haystack.components.evaluators import AnswerExactMatchEvaluator
from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Target, exact
from inspect_ai.solver import TaskState

PAIRS = [("15", "1.5"), ("1200", "12.00"), ("5", "-5"), ("x < 5", "x > 5"), ("34", "3/4"), ("C", "C++"), ("vitamin", "vitamin A"), ("Yes.", "yes")]


def inspect_ai(answer, right):
    state = TaskState(model="mockllm/model", sample_id=1, epoch=1, input="?", messages=[], output=ModelOutput.from_content("model", answer))
    return asyncio.run(exact()(state, Target([right]))).value == "C"


METRICS = {"dspy": lambda answer, right: answer_exact_match(dspy.Example(answer=right), dspy.Prediction(answer=answer)),
           "deepeval": lambda answer, right: Scorer.quasi_exact_match_score(right, answer),
           "inspect-ai": inspect_ai,
           "autoevals": lambda answer, right: autoevals.ExactMatch()(output=answer, expected=right).score,
           "haystack": lambda answer, right: AnswerExactMatchEvaluator().run(ground_truth_answers=[right], predicted_answers=[answer])["score"]}

seen = {name: [bool(metric(*pair)) for pair in PAIRS] for name, metric in METRICS.items()}
print(f"{'answer':10}{'right':11}" + "".join(f"{name:12}" for name in METRICS))
for index, (answer, right) in enumerate(PAIRS):
    print(f"{answer:10}{right:11}" + "".join(f"{'match' if seen[name][index] else '-':12}" for name in METRICS))
want = {"dspy": [True] * 8, "deepeval": [True] * 8, "inspect-ai": [False, False] + [True] * 6, "autoevals": [False] * 8, "haystack": [False] * 8}
print("as told" if seen == want else "this has changed")
sys.exit(0 if seen == want else 1)
PYTHON
"$dir/venv/bin/python" -W ignore "$dir/run.py"
