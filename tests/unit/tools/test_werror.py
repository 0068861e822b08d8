"""Warnings are errors in the builds that tools/test makes, and in no other: a user's compiler may warn of what ours does not.

The build description and the script are the real ones; meson and ninja are stubs that say what they were told.

    test_werror.py SOURCE_ROOT
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

source = pathlib.Path(sys.argv.pop(1))


class Werror(unittest.TestCase):
    def test_not_by_default(self):
        told = subprocess.run(["meson", "introspect", "--buildoptions", source / "meson.build"], check=True, capture_output=True, text=True)
        options = {option["name"]: option["value"] for option in json.loads(told.stdout)}
        self.assertEqual(options["werror"], False)

    def test_in_the_builds_of_the_tests(self):
        for arguments, rest in [([], ["-Dloop_watch=true"]), (["--sanitize", "thread"], ["-Db_sanitize=thread"])]:
            with self.subTest(arguments), tempfile.TemporaryDirectory(prefix="weir-werror-") as folder:
                top = pathlib.Path(folder)
                (top / "tools").mkdir()
                for name in ["tools/test", "tools/build"]:
                    shutil.copy(source / name, top / name)
                for name, status in [("meson", 0), ("ninja", 1)]:  # what follows a build is not tried
                    stub = top / name
                    stub.write_text(f'#!/bin/sh\necho "{name} $*" >>{top}/told\nexit {status}\n')
                    stub.chmod(0o755)
                subprocess.run([top / "tools/test", *arguments], capture_output=True,
                               env={**os.environ, "PATH": f"{top}:{os.environ['PATH']}", "MESON_ARGS": "-Dloop_watch=true"})
                made = (top / "told").read_text().splitlines()[0]
                for option in ["-Dwerror=true", *rest]:
                    self.assertIn(option, made)


unittest.main()
