// SPDX-License-Identifier: Apache-2.0

/// What Tests/Interop/sigv4-vectors.py prints with botocore 1.43.11.
enum SigV4Vectors {
    static let json = #"""
        {
         "botocore": "1.43.11",
         "placeholder": [
          "AKIAPLACEHOLDER0001A",
          "pLaCeHoLdEr/0123456789+abcdefghijklmnopq"
         ],
         "real": [
          "AKIAREALREALREAL0002",
          "rEaL/ReAlReAl+9876543210zyxwvutsrqponmlkj"
         ],
         "vectors": [
          {
           "name": "sts",
           "method": "POST",
           "body": "Action=GetCallerIdentity&Version=2011-06-15",
           "token": "",
           "realToken": "",
           "signed": {
            "target": "/",
            "fields": [
             [
              "Host",
              "sts.eu-central-1.amazonaws.com"
             ],
             [
              "Content-Type",
              "application/x-www-form-urlencoded; charset=utf-8"
             ],
             [
              "X-Amz-Date",
              "20261125T120000Z"
             ],
             [
              "Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIAPLACEHOLDER0001A/20261125/eu-central-1/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=8c7641fab44010d072db7e9423f5b125814d4b0f8f7b172ae45b64cfbf8caf82"
             ],
             [
              "Content-Length",
              "43"
             ]
            ]
           },
           "expected": {
            "target": "/",
            "fields": [
             [
              "Host",
              "sts.eu-central-1.amazonaws.com"
             ],
             [
              "Content-Type",
              "application/x-www-form-urlencoded; charset=utf-8"
             ],
             [
              "X-Amz-Date",
              "20261125T120000Z"
             ],
             [
              "Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIAREALREALREAL0002/20261125/eu-central-1/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=0a530ceda834cd1a95e4e73ea4b7925511507873adce3dded70b6453319b836a"
             ],
             [
              "Content-Length",
              "43"
             ]
            ]
           }
          },
          {
           "name": "sts with a token",
           "method": "POST",
           "body": "Action=GetCallerIdentity&Version=2011-06-15",
           "token": "placeholder-session-token-0123456789",
           "realToken": "real-session-token-abcdefghijklmnop//+==",
           "signed": {
            "target": "/",
            "fields": [
             [
              "Host",
              "sts.eu-central-1.amazonaws.com"
             ],
             [
              "Content-Type",
              "application/x-www-form-urlencoded; charset=utf-8"
             ],
             [
              "X-Amz-Date",
              "20261125T120000Z"
             ],
             [
              "X-Amz-Security-Token",
              "placeholder-session-token-0123456789"
             ],
             [
              "Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIAPLACEHOLDER0001A/20261125/eu-central-1/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=824d4ecb93be135fe000b4467c6c71d883a17060ded7606dd7645bc75b821a64"
             ],
             [
              "Content-Length",
              "43"
             ]
            ]
           },
           "expected": {
            "target": "/",
            "fields": [
             [
              "Host",
              "sts.eu-central-1.amazonaws.com"
             ],
             [
              "Content-Type",
              "application/x-www-form-urlencoded; charset=utf-8"
             ],
             [
              "X-Amz-Date",
              "20261125T120000Z"
             ],
             [
              "X-Amz-Security-Token",
              "real-session-token-abcdefghijklmnop//+=="
             ],
             [
              "Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIAREALREALREAL0002/20261125/eu-central-1/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=7cfafb09990188b728c92aca3217d76e086cd74d0c93b31666a787c0ff2469ab"
             ],
             [
              "Content-Length",
              "43"
             ]
            ]
           }
          },
          {
           "name": "dynamodb",
           "method": "POST",
           "body": "{\"TableName\": \"t\"}",
           "token": "",
           "realToken": "",
           "signed": {
            "target": "/",
            "fields": [
             [
              "Host",
              "dynamodb.us-east-1.amazonaws.com"
             ],
             [
              "X-Amz-Target",
              "DynamoDB_20120810.GetItem"
             ],
             [
              "Content-Type",
              "application/x-amz-json-1.0"
             ],
             [
              "X-Amz-Date",
              "20261125T120000Z"
             ],
             [
              "Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIAPLACEHOLDER0001A/20261125/us-east-1/dynamodb/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=867bda830d0cc203d861d4a9dacf7807bcbc2e2b9310d4b3cb000dd96de6378c"
             ],
             [
              "Content-Length",
              "18"
             ]
            ]
           },
           "expected": {
            "target": "/",
            "fields": [
             [
              "Host",
              "dynamodb.us-east-1.amazonaws.com"
             ],
             [
              "X-Amz-Target",
              "DynamoDB_20120810.GetItem"
             ],
             [
              "Content-Type",
              "application/x-amz-json-1.0"
             ],
             [
              "X-Amz-Date",
              "20261125T120000Z"
             ],
             [
              "Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIAREALREALREAL0002/20261125/us-east-1/dynamodb/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=9fcb0ce2defa3f294e17f74d3fd9adbf21c6e1eaefb7b062187e00725a546af3"
             ],
             [
              "Content-Length",
              "18"
             ]
            ]
           }
          },
          {
           "name": "dynamodb with a token",
           "method": "POST",
           "body": "{\"TableName\": \"t\"}",
           "token": "placeholder-session-token-0123456789",
           "realToken": "real-session-token-abcdefghijklmnop//+==",
           "signed": {
            "target": "/",
            "fields": [
             [
              "Host",
              "dynamodb.us-east-1.amazonaws.com"
             ],
             [
              "X-Amz-Target",
              "DynamoDB_20120810.GetItem"
             ],
             [
              "Content-Type",
              "application/x-amz-json-1.0"
             ],
             [
              "X-Amz-Date",
              "20261125T120000Z"
             ],
             [
              "X-Amz-Security-Token",
              "placeholder-session-token-0123456789"
             ],
             [
              "Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIAPLACEHOLDER0001A/20261125/us-east-1/dynamodb/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=0a255dbe8f33045049c52fbe94f60bb833d5f366de7a9829022ec6a4a3b4c946"
             ],
             [
              "Content-Length",
              "18"
             ]
            ]
           },
           "expected": {
            "target": "/",
            "fields": [
             [
              "Host",
              "dynamodb.us-east-1.amazonaws.com"
             ],
             [
              "X-Amz-Target",
              "DynamoDB_20120810.GetItem"
             ],
             [
              "Content-Type",
              "application/x-amz-json-1.0"
             ],
             [
              "X-Amz-Date",
              "20261125T120000Z"
             ],
             [
              "X-Amz-Security-Token",
              "real-session-token-abcdefghijklmnop//+=="
             ],
             [
              "Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIAREALREALREAL0002/20261125/us-east-1/dynamodb/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=c3b5bea810119a8a826f62db8ad016f758389ccad587b6b094112cd940ef8e5f"
             ],
             [
              "Content-Length",
              "18"
             ]
            ]
           }
          },
          {
           "name": "lambda",
           "method": "GET",
           "body": "",
           "token": "",
           "realToken": "",
           "signed": {
            "target": "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Afunction%3Af/./x/../invocations?Qualifier=%24LATEST&b=2&a=1&empty=",
            "fields": [
             [
              "Host",
              "lambda.us-east-1.amazonaws.com"
             ],
             [
              "X-Amz-Date",
              "20261125T120000Z"
             ],
             [
              "Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIAPLACEHOLDER0001A/20261125/us-east-1/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=4660dbe937254f25a33660cc78b963cba797ced8ee7ee03450fc36cd1654e65f"
             ]
            ]
           },
           "expected": {
            "target": "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Afunction%3Af/./x/../invocations?Qualifier=%24LATEST&b=2&a=1&empty=",
            "fields": [
             [
              "Host",
              "lambda.us-east-1.amazonaws.com"
             ],
             [
              "X-Amz-Date",
              "20261125T120000Z"
             ],
             [
              "Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIAREALREALREAL0002/20261125/us-east-1/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=e69cb8316043ee4ecc3dc08cbcf548bba591e8d7d87926e7366a68bf8ebb109d"
             ]
            ]
           }
          },
          {
           "name": "lambda with a token",
           "method": "GET",
           "body": "",
           "token": "placeholder-session-token-0123456789",
           "realToken": "real-session-token-abcdefghijklmnop//+==",
           "signed": {
            "target": "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Afunction%3Af/./x/../invocations?Qualifier=%24LATEST&b=2&a=1&empty=",
            "fields": [
             [
              "Host",
              "lambda.us-east-1.amazonaws.com"
             ],
             [
              "X-Amz-Date",
              "20261125T120000Z"
             ],
             [
              "X-Amz-Security-Token",
              "placeholder-session-token-0123456789"
             ],
             [
              "Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIAPLACEHOLDER0001A/20261125/us-east-1/lambda/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=bd1b492a757a4a2d97607aa45fac33d26fdb68a012c9069b4df6434b5852aa40"
             ]
            ]
           },
           "expected": {
            "target": "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Afunction%3Af/./x/../invocations?Qualifier=%24LATEST&b=2&a=1&empty=",
            "fields": [
             [
              "Host",
              "lambda.us-east-1.amazonaws.com"
             ],
             [
              "X-Amz-Date",
              "20261125T120000Z"
             ],
             [
              "X-Amz-Security-Token",
              "real-session-token-abcdefghijklmnop//+=="
             ],
             [
              "Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIAREALREALREAL0002/20261125/us-east-1/lambda/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=f29cf862b3a546ab2999229fad8bdfad7a7f5443bbbf08b956018eb6161722d2"
             ]
            ]
           }
          },
          {
           "name": "s3 get",
           "method": "GET",
           "body": "",
           "token": "",
           "realToken": "",
           "signed": {
            "target": "/a%20b/%C3%BC/c%2Bd~e?list-type=2&prefix=x%2Fy&uploads=",
            "fields": [
             [
              "Host",
              "bucket.s3.us-east-1.amazonaws.com"
             ],
             [
              "X-Amz-Date",
              "20261125T120000Z"
             ],
             [
              "X-Amz-Content-SHA256",
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
             ],
             [
              "Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIAPLACEHOLDER0001A/20261125/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=f49b25297606934e31053e4ade9670df934b8d1564dd0891d5311df9ed36b238"
             ]
            ]
           },
           "expected": {
            "target": "/a%20b/%C3%BC/c%2Bd~e?list-type=2&prefix=x%2Fy&uploads=",
            "fields": [
             [
              "Host",
              "bucket.s3.us-east-1.amazonaws.com"
             ],
             [
              "X-Amz-Date",
              "20261125T120000Z"
             ],
             [
              "X-Amz-Content-SHA256",
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
             ],
             [
              "Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIAREALREALREAL0002/20261125/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=80037903a0ae77a5eaffcf0e60c21377898fd104e1442f57ee804038f5887cb7"
             ]
            ]
           }
          },
          {
           "name": "s3 get with a token",
           "method": "GET",
           "body": "",
           "token": "placeholder-session-token-0123456789",
           "realToken": "real-session-token-abcdefghijklmnop//+==",
           "signed": {
            "target": "/a%20b/%C3%BC/c%2Bd~e?list-type=2&prefix=x%2Fy&uploads=",
            "fields": [
             [
              "Host",
              "bucket.s3.us-east-1.amazonaws.com"
             ],
             [
              "X-Amz-Date",
              "20261125T120000Z"
             ],
             [
              "X-Amz-Security-Token",
              "placeholder-session-token-0123456789"
             ],
             [
              "X-Amz-Content-SHA256",
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
             ],
             [
              "Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIAPLACEHOLDER0001A/20261125/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature=deb35742d9f98f9ed20f2b9d9c02315ea25249fc331b754fc43954a430d37b3b"
             ]
            ]
           },
           "expected": {
            "target": "/a%20b/%C3%BC/c%2Bd~e?list-type=2&prefix=x%2Fy&uploads=",
            "fields": [
             [
              "Host",
              "bucket.s3.us-east-1.amazonaws.com"
             ],
             [
              "X-Amz-Date",
              "20261125T120000Z"
             ],
             [
              "X-Amz-Security-Token",
              "real-session-token-abcdefghijklmnop//+=="
             ],
             [
              "X-Amz-Content-SHA256",
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
             ],
             [
              "Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIAREALREALREAL0002/20261125/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature=a8516d452bfb999954d41bea607b6177ea076020f14d840ee0ba83432560b2f1"
             ]
            ]
           }
          },
          {
           "name": "s3 put",
           "method": "PUT",
           "body": "some text",
           "token": "",
           "realToken": "",
           "signed": {
            "target": "/key",
            "fields": [
             [
              "Host",
              "bucket.s3.us-west-2.amazonaws.com"
             ],
             [
              "x-amz-meta-note",
              "two  spaces   within"
             ],
             [
              "Content-Type",
              "text/plain"
             ],
             [
              "X-Amz-Date",
              "20261125T120000Z"
             ],
             [
              "X-Amz-Content-SHA256",
              "b94f6f125c79e3a5ffaa826f584c10d52ada669e6762051b826b55776d05aed2"
             ],
             [
              "Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIAPLACEHOLDER0001A/20261125/us-west-2/s3/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-note, Signature=38c89084015030cba3e5c3452413472e90917b943ff72ab490a5b357ba9736c1"
             ],
             [
              "Content-Length",
              "9"
             ]
            ]
           },
           "expected": {
            "target": "/key",
            "fields": [
             [
              "Host",
              "bucket.s3.us-west-2.amazonaws.com"
             ],
             [
              "x-amz-meta-note",
              "two  spaces   within"
             ],
             [
              "Content-Type",
              "text/plain"
             ],
             [
              "X-Amz-Date",
              "20261125T120000Z"
             ],
             [
              "X-Amz-Content-SHA256",
              "b94f6f125c79e3a5ffaa826f584c10d52ada669e6762051b826b55776d05aed2"
             ],
             [
              "Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIAREALREALREAL0002/20261125/us-west-2/s3/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-note, Signature=003287286c358e1201049597f70cbffbb93e8f0f35f8da7c797b50d7c21091d1"
             ],
             [
              "Content-Length",
              "9"
             ]
            ]
           }
          },
          {
           "name": "s3 put with a token",
           "method": "PUT",
           "body": "some text",
           "token": "placeholder-session-token-0123456789",
           "realToken": "real-session-token-abcdefghijklmnop//+==",
           "signed": {
            "target": "/key",
            "fields": [
             [
              "Host",
              "bucket.s3.us-west-2.amazonaws.com"
             ],
             [
              "x-amz-meta-note",
              "two  spaces   within"
             ],
             [
              "Content-Type",
              "text/plain"
             ],
             [
              "X-Amz-Date",
              "20261125T120000Z"
             ],
             [
              "X-Amz-Security-Token",
              "placeholder-session-token-0123456789"
             ],
             [
              "X-Amz-Content-SHA256",
              "b94f6f125c79e3a5ffaa826f584c10d52ada669e6762051b826b55776d05aed2"
             ],
             [
              "Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIAPLACEHOLDER0001A/20261125/us-west-2/s3/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-note;x-amz-security-token, Signature=85e6533c677021de6f99eaba5a326ddfd0d21970aec8e2ce570740b9ed97d1ac"
             ],
             [
              "Content-Length",
              "9"
             ]
            ]
           },
           "expected": {
            "target": "/key",
            "fields": [
             [
              "Host",
              "bucket.s3.us-west-2.amazonaws.com"
             ],
             [
              "x-amz-meta-note",
              "two  spaces   within"
             ],
             [
              "Content-Type",
              "text/plain"
             ],
             [
              "X-Amz-Date",
              "20261125T120000Z"
             ],
             [
              "X-Amz-Security-Token",
              "real-session-token-abcdefghijklmnop//+=="
             ],
             [
              "X-Amz-Content-SHA256",
              "b94f6f125c79e3a5ffaa826f584c10d52ada669e6762051b826b55776d05aed2"
             ],
             [
              "Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIAREALREALREAL0002/20261125/us-west-2/s3/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-note;x-amz-security-token, Signature=b98e3d22eda76c236fe6860099cf73cfcfc57365d502a9ae10597e3a764adf68"
             ],
             [
              "Content-Length",
              "9"
             ]
            ]
           }
          },
          {
           "name": "s3 presigned",
           "method": "GET",
           "body": "",
           "token": "",
           "realToken": "",
           "signed": {
            "target": "/a/b%20c.txt?versionId=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAPLACEHOLDER0001A%2F20261125%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261125T120000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=296c974d0890b6fcd613e6b1c5d2a421a560a237cb03db8a238fe6b6b93462fd",
            "fields": [
             [
              "Host",
              "bucket.s3.us-east-1.amazonaws.com"
             ]
            ]
           },
           "expected": {
            "target": "/a/b%20c.txt?versionId=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAREALREALREAL0002%2F20261125%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261125T120000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=5db8faf0f2f2f15010e3b21c17a81a425db59c4ce3f7516c8373f2fa78676c79",
            "fields": [
             [
              "Host",
              "bucket.s3.us-east-1.amazonaws.com"
             ]
            ]
           }
          },
          {
           "name": "s3 presigned with a token",
           "method": "GET",
           "body": "",
           "token": "placeholder-session-token-0123456789",
           "realToken": "real-session-token-abcdefghijklmnop//+==",
           "signed": {
            "target": "/a/b%20c.txt?versionId=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAPLACEHOLDER0001A%2F20261125%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261125T120000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Security-Token=placeholder-session-token-0123456789&X-Amz-Signature=3623f36b5f4183287b1659b97c726aeaecd3f07acf02129d0d075dd7cb1aa26a",
            "fields": [
             [
              "Host",
              "bucket.s3.us-east-1.amazonaws.com"
             ]
            ]
           },
           "expected": {
            "target": "/a/b%20c.txt?versionId=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAREALREALREAL0002%2F20261125%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261125T120000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Security-Token=real-session-token-abcdefghijklmnop%2F%2F%2B%3D%3D&X-Amz-Signature=4d3edc1133110155ffe0361c98381bccb8c01527d83920611dd1ed048ac26512",
            "fields": [
             [
              "Host",
              "bucket.s3.us-east-1.amazonaws.com"
             ]
            ]
           }
          },
          {
           "name": "sts presigned",
           "method": "GET",
           "body": "",
           "token": "",
           "realToken": "",
           "signed": {
            "target": "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAPLACEHOLDER0001A%2F20261125%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20261125T120000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=e2ab6da8502271d853c55735cb77d5d42cd523ff489c9e2b403c502a8e451a5a",
            "fields": [
             [
              "Host",
              "sts.us-east-1.amazonaws.com"
             ]
            ]
           },
           "expected": {
            "target": "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAREALREALREAL0002%2F20261125%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20261125T120000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=005318c17ba4301a1ef505fc6fecda5a044809625ccf9ff473ae0c59f39cfecc",
            "fields": [
             [
              "Host",
              "sts.us-east-1.amazonaws.com"
             ]
            ]
           }
          },
          {
           "name": "sts presigned with a token",
           "method": "GET",
           "body": "",
           "token": "placeholder-session-token-0123456789",
           "realToken": "real-session-token-abcdefghijklmnop//+==",
           "signed": {
            "target": "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAPLACEHOLDER0001A%2F20261125%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20261125T120000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Security-Token=placeholder-session-token-0123456789&X-Amz-Signature=981d11581d8de2e442ba1cf912424e5a687642416de7553da59b6f6139ae0331",
            "fields": [
             [
              "Host",
              "sts.us-east-1.amazonaws.com"
             ]
            ]
           },
           "expected": {
            "target": "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAREALREALREAL0002%2F20261125%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20261125T120000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Security-Token=real-session-token-abcdefghijklmnop%2F%2F%2B%3D%3D&X-Amz-Signature=e0354672dce9d8756c0ba6dd5c14019eeabd57d231bf560e5f88dfe79a946787",
            "fields": [
             [
              "Host",
              "sts.us-east-1.amazonaws.com"
             ]
            ]
           }
          }
         ]
        }
        """#
}
