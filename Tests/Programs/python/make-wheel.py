# SPDX-License-Identifier: Apache-2.0
"""Makes greeter-1.0-py3-none-any.whl with nothing but the standard library (a wheel is a zip file: PEP 427)."""

import base64
import hashlib
import zipfile

INFO = "greeter-1.0.dist-info"
FILES = {
    "greeter.py": 'import sys\n\n\ndef main():\n    print("hello, " + sys.argv[1])\n',
    f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: greeter\nVersion: 1.0\n",
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\nGenerator: make-wheel\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{INFO}/entry_points.txt": "[console_scripts]\ngreet = greeter:main\n",
}


def record(name, text):
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(text)}\n"


with zipfile.ZipFile("greeter-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
    for path, content in FILES.items():
        wheel.writestr(path, content)
    entries = [record(path, content) for path, content in FILES.items()]
    wheel.writestr(f"{INFO}/RECORD", "".join(entries) + f"{INFO}/RECORD,,\n")
