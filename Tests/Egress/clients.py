# SPDX-License-Identifier: Apache-2.0
"""Programs that know nothing of a proxy, or are told of none: they reach the name of their task, and nothing else."""

import glob
import os
import shlex
import shutil
import socket
import subprocess
import time

import search
import servers
from world import Failure, Skip, require

TRY = 'try() { if "$@" >out 2>&1; then echo "through: $*: $(head -c 300 out)"; fi; }\n'
DIRECT = "unset HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy NODE_USE_ENV_PROXY\n"


def curl(world):
    require("curl")
    ask = "curl -sS --max-time 10 --noproxy '*'"
    session = world.session(
        TRY
        + f"{ask} --cacert ca.pem {world.url(servers.DROP)}; echo\n"
        + f"try {ask} -k {world.url(servers.OTHER)}\n"
        + f"try {ask} -k https://127.0.0.1:{world.port}/\n"
        + f"try {ask} -k https://10.255.255.1:{world.port}/\n"
        + f"try {ask} -k https://{servers.DROP}:{world.port + 1}/\n"
        + f"try {ask} -k --resolve {servers.DROP}:{world.port}:127.0.0.1 {world.url(servers.DROP)}\n"
        + f"try {ask} -k --connect-to ::{servers.DROP}:{world.port} {world.url(servers.OTHER)}\n"
        + f"try {ask} http://{servers.DROP}:{world.port}/\n"
        + "try curl -sS --max-time 5 --noproxy '*' http://169.254.169.254/\n"
        + "touch done",
        [world.rule(servers.DROP)],
    )
    session.run().expect("hello").expect_only(servers.DROP)
    session.expect_denied(servers.OTHER)


PYTHON = """
import socket, ssl, sys
def ask(name, port, show=None):
    context = ssl.create_default_context(cafile="ca.pem")
    if show: context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(socket.create_connection((name, port), 10), server_hostname=show or name) as s:
        s.sendall(f"GET / HTTP/1.0\\r\\nHost: {show or name}\\r\\n\\r\\n".encode())
        return b"".join(iter(lambda: s.recv(4096), b"")).split(b"\\r\\n\\r\\n")[1].decode()
allowed, other, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
print(ask(allowed, port))
places = ((other, other), (allowed, other), ("127.0.0.1", allowed), ("::1", allowed), ("198.18.77.7", allowed))
for name, show in places:
    try: print("through", name, show, ask(name, port, show))
    except OSError: pass
for address in (("127.0.0.1", port), ("10.255.255.1", 53), ("198.18.0.1", 53)):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(0.2)
    try: s.sendto(b"out", address); print("answered", s.recv(10))
    except OSError: pass
"""


def python(world):
    session = world.session(
        f"python3 client.py {servers.DROP} {servers.OTHER} {world.port}; touch done", [world.rule(servers.DROP)],
        files={"client.py": PYTHON},
    )
    session.run().expect("hello").expect_only(servers.DROP)
    session.expect_denied(servers.OTHER)


JAVA = """
import java.io.*;
import java.net.*;

class Client {
    public static void main(String[] urls) throws Exception {
        for (int index = 0; index < urls.length; index++) {
            try (InputStream in = new URL(urls[index]).openConnection(Proxy.NO_PROXY).getInputStream()) {
                System.out.println((index > 0 ? "through " : "") + new String(in.readAllBytes()));
            } catch (IOException error) {
                if (index == 0) throw error;
            }
        }
    }
}
"""


def java(world):
    """With a rule that reads requests: Java trusts the session's authority by a store of its own."""
    require("java", "javac")
    urls = [world.url(servers.DROP), world.url(servers.OTHER), world.url("127.0.0.1"), world.url(servers.DROP, "/no")]
    session = world.session(
        f"java Client.java {' '.join(urls)}; touch done", [world.rule(servers.DROP, http={"paths": ["/"]})],
        files={"Client.java": JAVA},
    )
    session.run().expect("hello").expect_only(servers.DROP)
    session.expect_denied(servers.OTHER)


def node(world):
    require("node")
    script = (
        "const ask = (url) => new Promise((done) => require('https').get(url, (r) => { let all = ''; "
        "r.on('data', (d) => all += d); r.on('end', () => done(r.statusCode + ' ' + all)); })"
        ".on('error', () => done('no')));"
        "(async () => { for (const url of process.argv.slice(1)) console.log(await ask(url)); })()"
    )
    session = world.session(
        f"{DIRECT}node -e \"$SCRIPT\" {world.url(servers.DROP)} {world.url(servers.OTHER)}; touch done",
        [world.rule(servers.DROP, http={"methods": ["GET"]})], environment={"SCRIPT": script},
    )
    session.run().expect("200 hello", "no").expect_only(servers.DROP)


def git(world):
    """Clone and push with a brokered token, to one repository of the two that the real token opens."""
    require("git")
    if not os.access("/usr/lib/git-core/git-http-backend", os.X_OK):
        raise Skip("no `git-http-backend`")
    own = ["-c", "user.name=tester", "-c", "user.email=tester@remit.example", "-c", "init.defaultBranch=main"]
    clean = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
    for name in ("allowed", "other"):
        bare, tree = f"{world.repositories}/{name}.git", f"{world.directory}/tree"
        for command in (
            ["init", "-q", "--bare", bare], ["-C", bare, "config", "http.receivepack", "true"], ["init", "-q", tree],
            ["-C", tree, "commit", "-q", "--allow-empty", "-m", "begin"], ["-C", tree, "push", "-q", bare, "main"],
        ):
            subprocess.run(["git", *own, *command], env=clean, check=True, capture_output=True)
        shutil.rmtree(tree)
    helper = f"!f() {{ echo username={servers.USER}; echo password=$GIT_TOKEN; }}; f"
    big = "head -c 3000000 /dev/urandom > clone/big"  # so that git sends it in chunks
    session = world.session(
        f"{DIRECT}export GIT_TERMINAL_PROMPT=0 HOME=/tmp\n"
        f"git config --global credential.helper {shlex.quote(helper)}\n"
        "git config --global user.name tester; git config --global user.email tester@remit.example\n"
        f"git clone -q {world.url(servers.GIT, '/allowed.git')} clone && echo cloned\n"
        f"echo more > clone/more; {big}; git -C clone add . && git -C clone commit -q -m more\n"
        "git -C clone push -q origin HEAD:main && echo pushed\n"
        f"git clone -q {world.url(servers.GIT, '/other.git')} other 2>&1 | grep -o 'error: 403'\n"
        f"git -C clone push -q {world.url(servers.GIT, '/other.git')} HEAD:main 2>&1 | grep -o 'error: 403'\n"
        "git -C clone log --format=%s; touch done",
        [world.rule(servers.GIT, http={"methods": ["GET", "POST"], "paths": ["/allowed.git/**"]})],
        [{"name": "repository", "provider": "repository", "expose": "env", "variable": "GIT_TOKEN"}],
    )
    session.run().expect("cloned", "pushed", "error: 403", "error: 403", "more", "begin").expect_only(servers.GIT)
    shown = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", f"{world.repositories}/allowed.git", "log", "--format=%s", "main"],
        env=clean, capture_output=True, text=True, check=False,
    ).stdout.split()
    if shown != ["more", "begin"]:
        raise Failure(f"the repository has {shown}")
    if any(request.path.startswith("/other.git") for request in world.hosts.seen):
        raise Failure("a request for the other repository got through")
    for path in search.files([session.workspace, world.environment["REMIT_STATE_DIR"]]):
        if world.token.encode() in search.read(path):
            raise Failure(f"the real token is in {path}")


def pip(world):
    session = world.session(
        f"{TRY}{DIRECT}python3 -m venv v\n"
        "export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1\n"
        f"v/bin/pip install -q --index-url {world.url(servers.INDEX, '/simple/')} remit-sample\n"
        "v/bin/python -c 'import remit_sample; print(remit_sample.answer)'\n"
        "export PIP_RETRIES=0 PIP_TIMEOUT=5\n"
        f"try v/bin/pip download --index-url {world.url(servers.OTHER, '/simple/')} remit-sample\n"
        "touch done",
        [world.rule(servers.INDEX, http={"methods": ["GET", "HEAD"]})],
    )
    session.run().expect("42").expect_only(servers.INDEX)


def psql(world):
    """A protocol that nobody reads, to a name that stands for one host and port."""
    programs_of = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not programs_of:
        raise Skip("no PostgreSQL in /usr/lib/postgresql")
    with Database(programs_of[-1], world.directory) as database:
        ask = f"{programs_of[-1]}/psql -X -w -U agent -d postgres -Atc"
        session = world.session(
            TRY
            + f"export PGCONNECT_TIMEOUT=10\n{ask} 'select 6 * 7' -h {servers.DATA} -p {database.port}\n"
            + f"try {ask} 'select 1' -h {servers.OTHER} -p {database.port}\n"
            + f"try {ask} 'select 1' -h 127.0.0.1 -p {database.port}\n"
            + f"try {ask} 'select 1' -h {servers.DATA} -p {world.port}\n"
            + "touch done",
            [world.rule(servers.DATA, database.port, opaque=True)],
        )
        session.run().expect("42")
        session.expect_denied(servers.OTHER)


class Database:
    """A PostgreSQL server on a port of 127.0.0.1 that trusts who connects."""

    def __init__(self, programs_of, directory):
        self.directory, self.bin, self.how = f"{directory}/database", programs_of, {}
        os.mkdir(self.directory)
        if os.geteuid() == 0:  # it refuses to run as root
            shutil.chown(self.directory, "postgres")
            os.chmod(directory, 0o711)
            self.how = {"user": "postgres", "extra_groups": []}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def __enter__(self):
        data = f"{self.directory}/data"
        clean = {"env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}, "cwd": self.directory, "capture_output": True}
        made = subprocess.run(
            [f"{self.bin}/initdb", "-D", data, "-U", "agent", "-A", "trust", "-N"], check=False, **clean, **self.how
        )
        if made.returncode != 0:
            raise Skip(f"no database: {made.stderr.decode().strip()[-300:]}")
        self.process = subprocess.Popen(
            [f"{self.bin}/postgres", "-D", data, "-h", "127.0.0.1", "-p", str(self.port), "-k", "", "-F"],
            cwd=self.directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.how,
        )
        limit = time.monotonic() + 30
        while subprocess.run(
            [f"{self.bin}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False
        ).returncode != 0:
            if time.monotonic() > limit:
                raise Failure("the database does not start")
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
