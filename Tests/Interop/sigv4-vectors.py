#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints requests signed by botocore, each with two key pairs: what is signed again with the second must be equal."""
import datetime
import json
from unittest import mock

import botocore
from botocore import auth, awsrequest, credentials

NOW = datetime.datetime(2026, 11, 25, 12, 0, 0)
PLACEHOLDER = ("AKIAPLACEHOLDER0001A", "pLaCeHoLdEr/0123456789+abcdefghijklmnopq")
REAL = ("AKIAREALREALREAL0002", "rEaL/ReAlReAl+9876543210zyxwvutsrqponmlkj")
TOKENS = ("placeholder-session-token-0123456789", "real-session-token-abcdefghijklmnop//+==")

CASES = [
    ("sts", auth.SigV4Auth, "sts", "eu-central-1", "POST", "https://sts.eu-central-1.amazonaws.com/",
     {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, "Action=GetCallerIdentity&Version=2011-06-15"),
    ("dynamodb", auth.SigV4Auth, "dynamodb", "us-east-1", "POST", "https://dynamodb.us-east-1.amazonaws.com/",
     {"X-Amz-Target": "DynamoDB_20120810.GetItem", "Content-Type": "application/x-amz-json-1.0"}, '{"TableName": "t"}'),
    ("lambda", auth.SigV4Auth, "lambda", "us-east-1", "GET",
     "https://lambda.us-east-1.amazonaws.com/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Afunction%3Af/"
     "./x/../invocations?Qualifier=%24LATEST&b=2&a=1&empty=", {}, None),
    ("s3 get", auth.S3SigV4Auth, "s3", "us-east-1", "GET",
     "https://bucket.s3.us-east-1.amazonaws.com/a%20b/%C3%BC/c%2Bd~e?list-type=2&prefix=x%2Fy&uploads=", {}, None),
    ("s3 put", auth.S3SigV4Auth, "s3", "us-west-2", "PUT", "https://bucket.s3.us-west-2.amazonaws.com/key",
     {"x-amz-meta-note": "two  spaces   within", "Content-Type": "text/plain"}, "some text"),
    ("s3 presigned", auth.S3SigV4QueryAuth, "s3", "us-east-1", "GET",
     "https://bucket.s3.us-east-1.amazonaws.com/a/b%20c.txt?versionId=1", {}, None),
    ("sts presigned", auth.SigV4QueryAuth, "sts", "us-east-1", "GET",
     "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15", {}, None),
]


def sign(case, keys, token):
    _, kind, service, region, method, url, headers, body = case
    request = awsrequest.AWSRequest(method=method, url=url, headers=dict(headers), data=body)
    kind(credentials.Credentials(keys[0], keys[1], token), service, region).add_auth(request)
    prepared = request.prepare()
    host = prepared.url.split("/")[2]
    text = lambda value: value.decode() if isinstance(value, bytes) else str(value)
    fields = [["Host", host]] + [[name, text(value)] for name, value in prepared.headers.items()]
    return {"target": prepared.url[len("https://" + host):], "fields": fields}


def main():
    vectors = []
    with mock.patch("botocore.compat.get_current_datetime", lambda *_, **__: NOW, create=True), \
            mock.patch("botocore.auth.get_current_datetime", lambda *_, **__: NOW, create=True):
        for case in CASES:
            for tokens in ((None, None), TOKENS):
                vectors.append({
                    "name": case[0] + (" with a token" if tokens[0] else ""), "method": case[4], "body": case[7] or "",
                    "token": tokens[0] or "", "realToken": tokens[1] or "",
                    "signed": sign(case, PLACEHOLDER, tokens[0]), "expected": sign(case, REAL, tokens[1]),
                })
    print(json.dumps({
        "botocore": botocore.__version__, "placeholder": PLACEHOLDER, "real": REAL, "vectors": vectors,
    }, indent=1))


main()
