#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Verifies a session token with PyJWT and joserfc, which know nothing of Remit.

    pip install PyJWT joserfc cryptography
    verify-token.py TOKEN JWKS.json AUDIENCE

Exit status 0 and the claims when both accept it, 1 and the reason when one does not.
"""

import json
import sys

import jwt
from joserfc import jwt as jose
from joserfc.jwk import ECKey


def main() -> int:
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 64
    with open(sys.argv[1]) as file:
        token = file.read()
    with open(sys.argv[2]) as file:
        key = json.load(file)["keys"][0]
    try:
        header = jwt.get_unverified_header(token)
        if set(header) != {"alg", "kid", "typ"} or header["kid"] != key["kid"]:
            raise ValueError(f"header {header}")
        required = ["sub", "aud", "exp", "iat", "nbf", "jti", "iss"]
        claims = jwt.decode(
            token, jwt.PyJWK(key, algorithm="ES256").key, algorithms=["ES256"], audience=sys.argv[3],
            options={"require": required, "strict_aud": False},
        )
        # joserfc does not know SPIFFE's value of `use`.
        imported = ECKey.import_key({name: key[name] for name in ("kty", "crv", "x", "y")})
        if imported.thumbprint() != key["kid"]:
            raise ValueError("kid is not the RFC 7638 thumbprint")
        if jose.decode(token, imported, algorithms=["ES256"]).claims != claims:
            raise ValueError("the two libraries read different claims")
        if not claims["sub"].startswith("spiffe://"):
            raise ValueError(f"subject {claims['sub']}")
    except Exception as error:
        print(f"does not verify: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(json.dumps(claims, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
