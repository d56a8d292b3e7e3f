# SPDX-License-Identifier: Apache-2.0
"""The hosts that sessions of the egress tier reach: one TLS port of 127.0.0.1 that is many names, by what is asked for.

A model, repositories of git, an index of Python packages, and a place that takes whatever is dropped there. Each
remembers what it was sent, as it came off the wire.
"""

import base64
import hashlib
import http.server
import io
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
import zipfile

MODEL, GIT, INDEX, DROP, DATA, OTHER = (
    f"{name}.remit.example" for name in ("model", "git", "index", "drop", "data", "other")
)
NAMES = [MODEL, GIT, INDEX, DROP, DATA, OTHER]
USER = "x-access-token"  # of git: the name that hosts of repositories want beside a token
FINISH = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"  # mini-swe-agent ends on this line
WHEEL = "remit_sample-1.0-py3-none-any.whl"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_):
        pass

    def handle_expect_100(self):
        return True  # said by body()

    def host(self):
        return (self.headers.get("host") or "").partition(":")[0]

    def body(self):
        if self.headers.get("expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            data = b""
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def reply(self, body=b"", kind="application/json", status=200, **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def answer(self):
        data = self.body()
        self.server.hosts.seen.append(Request(self.host(), self.command, self.path, dict(self.headers.items()), data))
        try:
            serve = {MODEL: self.model, GIT: self.git, INDEX: self.index}.get(self.host(), self.drop)
            serve(data)
        except (OSError, ValueError) as error:
            self.close_connection = True
            self.server.hosts.problems.append(f"{self.command} {self.host()}{self.path}: {error}")

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer

    def drop(self, _):
        self.reply(b"hello", "text/plain")

    # ---- a model that makes every program that asks it run the same commands, one call each, and then finish

    def model(self, data):
        # The header that was let through last counts: a client may send several.
        given = {self.headers.get("x-api-key"), (self.headers.get("authorization") or "").removeprefix("Bearer ")}
        if self.server.hosts.key not in given:
            return self.reply({"type": "error", "error": {"type": "authentication_error", "message": "no"}}, status=401)
        if self.command != "POST":
            return self.reply({"data": [{"id": "scripted", "object": "model", "type": "model"}], "models": []})
        ask = json.loads(data or b"{}")
        path = self.path.partition("?")[0]
        if path.endswith("count_tokens"):
            return self.reply({"input_tokens": 10})
        if path.startswith("/v1/messages"):
            return self.speak_messages(ask)
        if path.endswith("/responses"):
            return self.speak_responses(ask)
        if path.endswith("/chat/completions"):
            return self.speak_chat(ask)
        return self.reply({"error": "no such thing"}, status=404)

    def command_after(self, count):
        """The command that follows so many results; None when there were enough."""
        commands = self.server.hosts.commands
        if count < len(commands):
            return commands[count]
        self.server.hosts.before_end()
        return None

    def events(self, *events):
        text = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
        self.reply(text.encode(), "text/event-stream")

    def speak_messages(self, ask):
        """Anthropic's Messages, which Claude Code speaks."""
        done = json.dumps(ask).count('"tool_result"')
        line = self.command_after(done)
        usage = {"input_tokens": 100, "output_tokens": 20}
        if line is not None and any(tool.get("name") == "Bash" for tool in ask.get("tools") or []):
            # Another of the program's tools, by its name, or a command for its shell.
            name, call = line if isinstance(line, tuple) else ("Bash", {"command": line, "description": "as told"})
            block = {"type": "tool_use", "id": f"toolu_{done}", "name": name, "input": {}}
            whole, why = {**block, "input": call}, "tool_use"
            delta = {"type": "input_json_delta", "partial_json": json.dumps(call)}
        else:
            block, whole, why = {"type": "text", "text": ""}, {"type": "text", "text": "all done"}, "end_turn"
            delta = {"type": "text_delta", "text": "all done"}
        message = {
            "id": f"msg_{done}", "type": "message", "role": "assistant", "model": ask.get("model"), "usage": usage,
            "stop_sequence": None,
        }
        if not ask.get("stream"):
            return self.reply({**message, "content": [whole], "stop_reason": why})
        return self.events(
            {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": why, "stop_sequence": None}, "usage": usage},
            {"type": "message_stop"},
        )

    def speak_responses(self, ask):
        """OpenAI's Responses, which Codex speaks."""
        results = ("function_call_output", "local_shell_call_output", "custom_tool_call_output")
        done = sum(item.get("type") in results for item in ask.get("input") or [] if isinstance(item, dict))
        tools = [tool.get("name") or tool.get("type") for tool in ask.get("tools") or []]
        line = self.command_after(done)
        if line is not None:
            calls = {
                "shell_command": {"command": line}, "exec_command": {"cmd": line},
                "shell": {"command": ["bash", "-lc", line]},
            }
            name = next((name for name in calls if name in tools), "shell")
            item = {
                "type": "function_call", "id": f"fc_{done}", "call_id": f"call_{done}", "name": name,
                "arguments": json.dumps(calls[name]), "status": "completed",
            }
        else:
            text = {"type": "output_text", "text": "all done", "annotations": []}
            item = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [text]}
        usage = {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120}
        whole = {
            "id": "resp_1", "object": "response", "created_at": int(time.time()), "status": "completed",
            "model": "scripted", "output": [item], "usage": usage,
        }
        return self.events(
            {"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}},
            {"type": "response.output_item.added", "output_index": 0, "item": item},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": whole},
        )

    def speak_chat(self, ask):
        """OpenAI's Chat Completions, which mini-swe-agent speaks."""
        done = sum(message.get("role") == "tool" for message in ask.get("messages") or [])
        tools = ask.get("tools") or []
        line = self.command_after(done) or FINISH
        if tools:
            function = {"name": tools[0]["function"]["name"], "arguments": json.dumps({"command": line})}
            call = {"id": f"call_{done}", "type": "function", "function": function}
            message, why = {"role": "assistant", "content": "THOUGHT: as told", "tool_calls": [call]}, "tool_calls"
        else:
            text = f"THOUGHT: as told\n\n```mswea_bash_command\n{line}\n```\n"
            message, why = {"role": "assistant", "content": text}, "stop"
        self.reply({
            "id": "x", "object": "chat.completion", "created": 1, "model": "scripted",
            "choices": [{"index": 0, "message": message, "finish_reason": why}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
        })

    # ---- repositories: git's own program for serving them, for whoever has the token

    def git(self, data):
        expected = "Basic " + base64.b64encode(f"{USER}:{self.server.hosts.token}".encode()).decode()
        if self.headers.get("authorization") != expected:
            return self.reply(b"", "text/plain", 401, www_authenticate='Basic realm="repositories"')
        path, _, query = self.path.partition("?")
        environment = {
            "PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROJECT_ROOT": self.server.hosts.repositories, "PATH_INFO": urllib.parse.unquote(path),
            "QUERY_STRING": query, "REQUEST_METHOD": self.command, "REMOTE_USER": USER, "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": self.headers.get("content-type", ""), "CONTENT_LENGTH": str(len(data)),
            "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""),
            "GIT_PROTOCOL": self.headers.get("git-protocol", ""),
        }
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", "http-backend"], input=data, env=environment, capture_output=True,
            check=False,
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
        status = int(fields.pop("Status", "200").split()[0])
        kind = fields.pop("Content-Type", "text/plain")
        return self.reply(body, kind, status)

    # ---- an index of packages with one package

    def index(self, _):
        data = wheel()
        if self.path == f"/files/{WHEEL}":
            return self.reply(data, "application/zip")
        if self.path == "/simple/remit-sample/":
            digest = hashlib.sha256(data).hexdigest()
            return self.reply(f'<a href="/files/{WHEEL}#sha256={digest}">{WHEEL}</a>'.encode(), "text/html")
        return self.reply(b"", "text/plain", 404)


def wheel():
    """A package that is one module."""
    buffer, described = io.BytesIO(), "remit_sample-1.0.dist-info"
    files = {
        "remit_sample.py": "answer = 42\n",
        f"{described}/METADATA": "Metadata-Version: 2.1\nName: remit-sample\nVersion: 1.0\n",
        f"{described}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{described}/RECORD"] = "".join(f"{name},,\n" for name in (*files, f"{described}/RECORD"))
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)  # of always the same date, so of always the same digest
    return buffer.getvalue()


class Request:
    """A request as it arrived."""

    def __init__(self, host, method, path, headers, body):
        self.host, self.method, self.path, self.headers, self.body = host, method, path, headers, body

    @property
    def is_whole(self):
        """As much came as was announced."""
        announced = next((value for name, value in self.headers.items() if name.lower() == "content-length"), "0")
        return len(self.body) == int(announced)

    def without(self, *headers):
        """Everything of it but these headers, in one piece."""
        kept = {name: value for name, value in self.headers.items() if name.lower() not in headers}
        return f"{self.method} {self.path} {kept} ".encode() + self.body


class Hosts(http.server.ThreadingHTTPServer):
    """The TLS port. The handshake is made by the thread of its connection, so that nobody waits for another's."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, certificate, private, key, token, repositories):
        super().__init__(("127.0.0.1", 0), Handler)
        self.hosts = self
        self.key, self.token, self.repositories = key, token, repositories
        self.commands, self.seen, self.problems = [], [], []
        self.before_end = lambda: None  # called before it says that all is done
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, private)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]

    def process_request_thread(self, request, client_address):
        try:
            request.settimeout(60)
            request = self.context.wrap_socket(request, server_side=True)
        except OSError:
            self.shutdown_request(request)
            return
        super().process_request_thread(request, client_address)

    def handle_error(self, *_):
        problem = sys.exc_info()[1]
        if not isinstance(problem, OSError):  # which is a client that went away
            self.problems.append(repr(problem))


class NameServer:
    """A name server that remembers the names it was asked for, and says 127.0.0.1 of each."""

    def __init__(self, address):
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            query, client = self.socket.recvfrom(4096)
            labels, at = [], 12
            while size := query[at]:
                labels.append(query[at + 1 : at + 1 + size].decode(errors="replace"))
                at += 1 + size
            question, kind = query[12 : at + 5], query[at + 1 : at + 3]
            self.asked.append(".".join(labels).lower())
            isA = kind == b"\0\1"
            reply = query[:2] + b"\x81\x80\0\1" + (b"\0\1" if isA else b"\0\0") + b"\0\0\0\0" + question
            if isA:
                reply += b"\xc0\x0c\0\1\0\1\0\0\0\x05\0\4" + bytes([127, 0, 0, 1])
            self.socket.sendto(reply, client)
