#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Verifies a receipt with securesystemslib, which knows nothing of Remit.

    pip install securesystemslib==1.6.0 cryptography
    verify-receipt.py RECEIPT PUBKEY.pem

Exit status 0 and the statement's digest when it verifies, 1 and the reason when it does not.
"""

import hashlib
import json
import sys

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 64
    with open(sys.argv[2], "rb") as file:
        key = SSlibKey.from_crypto(load_pem_public_key(file.read()))
    try:
        with open(sys.argv[1], "rb") as file:
            envelope = Envelope.from_dict(json.loads(file.read()))
        accepted = envelope.verify([key], 1)
        if envelope.payload_type != "application/vnd.in-toto+json":
            raise ValueError(f"payload type {envelope.payload_type}")
        statement = json.loads(envelope.payload)
        if statement["_type"] != "https://in-toto.io/Statement/v1":
            raise ValueError(f"statement type {statement['_type']}")
    except Exception as error:
        print(f"does not verify: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    predicate = statement["predicate"]
    print(f"verified by {', '.join(accepted)} with securesystemslib")
    print(f"statement sha256:{hashlib.sha256(envelope.payload).hexdigest()}")
    print(f"session {predicate['session']}, task {predicate['task']}, reason {predicate['reason']}")
    for subject in statement["subject"]:
        print(f"subject {subject['name']} sha256:{subject['digest']['sha256']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
