# SPDX-License-Identifier: Apache-2.0
"""A provider whose behaviour the test chooses: `settings` maps an operation to how it goes wrong.

A credential is a file in `settings.store` named by its handle, so that what exists is seen from outside. Every request
is appended to `settings.log`, without its settings, but with the names of the program's environment."""
import datetime
import json
import os
import sys
import time

request = json.load(sys.stdin)
settings = request["settings"]
operation = request["operation"]
path = os.path.join(settings["store"], request["handle"])
with open(settings["log"], "a") as log:
    told = {key: value for key, value in request.items() if key != "settings"}
    log.write(json.dumps({**told, "environment": sorted(os.environ)}) + "\n")
behaviour = settings.get(operation, "ok")


def answer(**fields):
    print(json.dumps({"ok": True, **fields}))
    sys.exit(0)


def refuse(kind, message):
    print(json.dumps({"ok": False, "class": kind, "message": message}))
    sys.exit(0)


def expiry():
    return request.get("notAfter") or (
        datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=request.get("ttlSeconds") or 60)
    ).strftime("%Y-%m-%dT%H:%M:%SZ")


content = settings["secret"] + "-" + request["handle"]
if behaviour == "hang-after":
    open(path, "w").close() if operation == "issue" else None
if behaviour in ("hang", "hang-after"):
    time.sleep(3600)
if behaviour == "slow":
    time.sleep(1)
if behaviour == "garbage":
    print("<html>502 Bad Gateway</html>")
    sys.exit(0)
if behaviour == "exit":
    print("cannot: password=" + content, file=sys.stderr)
    sys.exit(3)
if behaviour == "crash":
    os.kill(os.getpid(), 11)
if behaviour == "huge":
    sys.stdout.write("x" * 10_000_000)
    sys.exit(0)
if behaviour == "refuse":
    refuse("permanent", "not for you: password=" + content)
if behaviour == "refuse-with-content":
    print(json.dumps({"ok": False, "class": "permanent", "message": "not for you: " + content, "content": content}))
    sys.exit(0)
if behaviour == "transient":
    refuse("transient", "try again")
if behaviour == "no-expiry":
    open(path, "w").close()
    answer(content=content)
if behaviour == "forever":
    open(path, "w").close()
    answer(content=content, expiresAt="2099-01-01T00:00:00Z")
if behaviour == "lie" and operation == "revoke":
    answer()
if behaviour == "present":
    answer(finding="present")
if behaviour == "impossible":
    answer(finding="impossible")
if behaviour == "daemon" and os.fork() == 0:
    os.setsid()
    os.execvp("sleep", ["sleep", settings["marker"]])

if operation == "issue":
    open(path, "w").close()
    answer(content=content, expiresAt=expiry(), describe={"role": request["handle"]})
if operation == "renew":
    answer(expiresAt=expiry())
if operation == "revoke":
    if os.path.exists(path):
        os.unlink(path)
    answer()
if operation == "probe":
    answer(finding="present" if os.path.exists(path) else "gone")
if operation == "list":
    answer(handles=[name for name in os.listdir(settings["store"]) if name.startswith(request["handle"])])
