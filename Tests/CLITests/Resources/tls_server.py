#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A TLS server with the certificate in a directory: tls_server.py DIRECTORY [ADDRESS [PORT]]

It is on a free port of 127.0.0.1 unless told otherwise.

/hello once, /stream for ever; /echo says which Authorization came, and its digest, which no scrubber takes for it.
"""

import http.server
import ssl
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.do_GET()

    def do_GET(self):
        if self.path == "/stream":
            return self.stream()
        body = "hello"
        if self.path == "/echo":
            text = self.headers.get("Authorization", "none")
            digest = 5381
            for byte in text.encode():
                digest = (digest * 33 + byte) & 0xFFFFFFFF
            body = f"{text} {digest}\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def stream(self):
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b".")
            self.wfile.flush()
            time.sleep(0.02)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1] + "/certificate.pem", sys.argv[1] + "/key.pem")
address, port = (sys.argv[2:] + ["127.0.0.1", "0"][len(sys.argv) - 2 :])[:2]
server = Server((address, int(port)), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print("port", server.server_address[1], flush=True)
server.serve_forever()
