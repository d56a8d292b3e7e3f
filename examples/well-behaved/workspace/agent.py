#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An agent that keeps to its task: reads its credential, fixes one file, writes its report, ends."""

import base64
import json
import os
import pathlib
import subprocess
import sys

token = pathlib.Path(os.environ["REMIT_CREDENTIALS"], "orders-api").read_text()
payload = token.split(".")[1]
claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
print(f"I am {claims['sub']}")
print(f"my credential is for {claims['aud']} and lasts {claims['exp'] - claims['iat']} s")

source = pathlib.Path("orders.py")
wrong, right = "int(float(price) * 100)", "round(float(price) * 100)"
source.write_text(source.read_text().replace(wrong, right))
print(f"orders.py: {wrong} is now {right}")

tests = subprocess.run([sys.executable, "-m", "unittest", "-q"], stderr=subprocess.PIPE, text=True, check=False)
print("tests:", "pass" if tests.returncode == 0 else "fail")
pathlib.Path("report.json").write_text(json.dumps({"changed": ["orders.py"], "tests": tests.returncode == 0}) + "\n")
sys.exit(tests.returncode)
