#!/usr/bin/env bash
# An answer that is its reference, letter for letter: by the ROUGE of two evaluation libraries it has 1 in English and 0 in Russian, Greek and Chinese.
#
# Versions  deepeval 4.3.1 and opik 2.2.122, each with rouge-score 0.1.2 (Python).
# Input     Six answers in six languages, each compared with itself: deepeval's Scorer.rouge_score() with rouge1 and rougeL, opik's
#           ROUGE with the same. Then two answers that differ, "There are 3 cats" and "… 3 dogs", in English and in Russian.
# Guess     What equals its reference has the highest mark, in any script; what differs has less.
# Seen      English and German have 1. Russian, Greek, Chinese and Hindi have 0: rouge-score, on which both are built, takes a to z and 0 to 9
#           for letters and all else for blanks, so of these texts nothing is left. "Там 3 кошки" and "Здесь 3 собаки", which differ in each
#           word, have 1 for the same reason: what is left is 3. Nothing warns. (That rouge-score has no other letters can be read in its
#           tokenizer.)
# Matters   A suite that is tried in English and then run on users' questions says that a model fails in Russian, or, where a number is in
#           the answer, that a wrong one is right. An average over languages measures their shares. Look at what a measure says of an
#           answer and itself before it is believed.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

for name in deepeval==4.3.1 opik==2.2.122; do
  { python3 -m venv "$dir/${name%==*}" && "$dir/${name%==*}/bin/pip" install --quiet --disable-pip-version-check "$name" rouge-score==0.1.2; } >&2 ||
    cannot "pip install"
done
cat >"$dir/pairs.py" <<'PYTHON'
PAIRS = {
    "English": ["The cat is on the mat today"] * 2, "German": ["Die Katze liegt heute auf der Matte"] * 2,
    "Russian": ["Кот сегодня лежит на коврике"] * 2, "Greek": ["Η γάτα είναι στο χαλί σήμερα"] * 2,
    "Chinese": ["猫今天在垫子上睡觉"] * 2, "Hindi": ["बिल्ली आज चटाई पर है"] * 2,
    "English, other": ["There are 3 cats", "There are 3 dogs"], "Russian, other": ["Там 3 кошки", "Здесь 3 собаки"],
}
PYTHON
cat >"$dir/deepeval.py.txt" <<'PYTHON'
import json

from deepeval.scorer import Scorer
from pairs import PAIRS

print(json.dumps({name: [Scorer.rouge_score(want, got, kind) for kind in ("rouge1", "rougeL")] for name, (want, got) in PAIRS.items()}))
PYTHON
cat >"$dir/opik.py.txt" <<'PYTHON'
import json

from opik.evaluation.metrics import ROUGE
from pairs import PAIRS

measures = [ROUGE(rouge_type=kind, track=False) for kind in ("rouge1", "rougeL")]
print(json.dumps({name: [measure.score(output=got, reference=want).value for measure in measures] for name, (want, got) in PAIRS.items()}))
PYTHON
export DEEPEVAL_TELEMETRY_OPT_OUT=YES OPIK_TRACK_DISABLE=true PYTHONPATH="$dir"
cd "$dir"
for name in deepeval opik; do
  "$name/bin/python" -W ignore "$name.py.txt" 2>errors | tail -n 1 >"$name.json" || { cat errors >&2; cannot "$name"; }
done
python3 - <<'PYTHON'
import json
import sys

got = {name: json.load(open(f"{name}.json")) for name in ("deepeval", "opik")}
for name, marks in got.items():
    for pair, values in marks.items():
        print(f"{name:10} {pair:15} ROUGE-1 {values[0]:.2f}  ROUGE-L {values[1]:.2f}")
want = {"English": 1, "German": 1, "Russian": 0, "Greek": 0, "Chinese": 0, "Hindi": 0, "English, other": 0.75, "Russian, other": 1}
same = all(marks == {pair: [value, value] for pair, value in want.items()} for marks in got.values())
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
