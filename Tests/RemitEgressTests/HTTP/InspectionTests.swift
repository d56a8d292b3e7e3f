// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitGate
import RemitNetwork
import Testing

@testable import RemitEgress

/// Real clients and real hosts, on loopback.
struct InspectionTests {
    private let trust: CertificateAuthority

    init() throws {
        trust = try CertificateAuthority(session: "upstream", now: GateHarness.now, lifetime: 3600)
    }

    private func gate(
        _ protocols: [String] = ["http/1.1"], http: HTTPRule? = nil, budgets: BudgetPlan = BudgetPlan()
    ) throws -> (EchoServer, GateHarness) {
        let server = try EchoServer(authority: trust, protocols: protocols)
        return (server, try GateHarness(to: server.port, trust: trust, http: http, budgets: budgets))
    }

    @Test(arguments: ["--http1.1", "--http2"], [["http/1.1"], ["h2", "http/1.1"]])
    func `curl reaches a host through TLS on both sides, whichever versions they speak`(
        version: String, protocols: [String]
    ) throws {
        let (server, gate) = try gate(protocols)
        let result = try gate.curl(
            version, "-H", "X-There: and-back", "-D-", "-d", "hello", "https://api.example.com/path?q=1")
        #expect(result.status == 0, "\(result.output)")
        #expect(result.output.contains("POST /path?q=1 \(protocols[0] == "h2" ? "h2" : "h1")"))
        #expect(result.output.lowercased().contains("x-back: and-back"))
        #expect(result.output.contains("host: api.example.com") || protocols[0] == "h2")
        #expect(result.output.hasSuffix("\n5\nhello"))
        let record = try #require(gate.records(1).first)
        #expect(record.isAllowed)
        #expect(record.method == "POST")
        #expect(record.path == "/path")
        #expect(record.status == 200)
        #expect(record.bytesUp == 5)
        #expect(record.address == "127.0.0.1")
        _ = server
    }

    @Test(arguments: ["--http1.1", "--http2"], [["http/1.1"], ["h2", "http/1.1"]])
    func `large bodies pass both ways`(version: String, protocols: [String]) throws {
        let (server, gate) = try gate(protocols)
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        try Data(repeating: 7, count: 24 << 20).write(to: URL(fileURLWithPath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        let up = try gate.curl(version, "-T", file, "https://api.example.com/up")
        #expect(up.output.contains("\n\(24 << 20)\n"), "\(up.output.prefix(500))")
        let chunked = try gate.curl(
            version, "-T", file, "-H", "Transfer-Encoding: chunked", "https://api.example.com/up")
        #expect(chunked.output.contains("\n\(24 << 20)\n"), "\(chunked.output.prefix(500))")
        let down = try gate.curl(version, "-o", "/dev/null", "-w", "%{size_download}", "https://api.example.com/big?40")
        #expect(down.output == "\(40 << 20)")
        _ = server
    }

    @Test(arguments: ["--http1.1", "--http2"], [["http/1.1"], ["h2", "http/1.1"]])
    func `responses without a body, trailers and redirects are relayed`(version: String, protocols: [String]) throws {
        let (server, gate) = try gate(protocols)
        let head = try gate.curl(version, "-I", "https://api.example.com/path")
        #expect(head.status == 0)
        #expect(head.output.lowercased().contains("content-length: "))
        let none = try gate.curl(
            version, "-w", "%{http_code}", "https://api.example.com/none", "https://api.example.com/none")
        #expect(none.output == "204204")
        let moved = try gate.curl(version, "-w", "%{http_code} %{redirect_url}", "https://api.example.com/moved")
        #expect(moved.output == "302 https://other.example/")
        let trailer = try gate.curl(version, "-D-", "https://api.example.com/trailer")
        #expect(trailer.output.contains("x-sum: 42"), "\(trailer.output)")
        #expect(trailer.output.contains("body"))
        _ = server
    }

    @Test(arguments: ["--http1.1", "--http2"])
    func `events flow as they come`(version: String) throws {
        let (server, gate) = try gate(["h2", "http/1.1"])
        let script = """
            import subprocess, sys, time
            p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
            start = time.time()
            for line in p.stdout:
                if line.strip(): print(line.decode().strip(), round(time.time() - start, 2))
            """
        let result = try run([
            "python3", "-c", script, "curl", "-sSN", version, "--noproxy", "*", "--cacert", gate.authorityFile,
            "--connect-to",
            "api.example.com:443:127.0.0.1:\(gate.port)", "https://api.example.com/events",
        ])
        let times = result.output.split(separator: "\n").compactMap { Double($0.split(separator: " ").last ?? "") }
        #expect(times.count == 3, "\(result.output)")
        if times.count == 3 { #expect(times[2] - times[0] > 0.15) }
        _ = server
    }

    @Test func `many requests go over one connection on either side`() throws {
        let (server, gate) = try gate()
        let urls = (0..<20).map { "https://api.example.com/\($0)" }
        let result = try run(
            [
                "curl", "-sS", "--http1.1", "--noproxy", "*", "--cacert", gate.authorityFile, "-w", "%{num_connects}\n",
                "--connect-to",
                "api.example.com:443:127.0.0.1:\(gate.port)", "-o", "/dev/null",
            ] + urls.flatMap { ["-o", "/dev/null", $0] }
        )
        #expect(result.output.split(separator: "\n").compactMap { Int($0) }.reduce(0, +) == 1, "\(result.output)")
        #expect(gate.connections.current == 1)
        #expect(gate.records(20).count == 20)
        _ = server
    }

    @Test func `a client that does not trust the authority gets nothing, and neither does a host nobody trusts`() throws
    {
        let (server, gate) = try gate()
        let untrusting = try run([
            "curl", "-sS", "--noproxy", "*", "--connect-to", "api.example.com:443:127.0.0.1:\(gate.port)",
            "https://api.example.com/",
        ])
        #expect(untrusting.status == 60)
        let stranger = try CertificateAuthority(session: "stranger", now: GateHarness.now, lifetime: 3600)
        let impostor = try EchoServer(authority: stranger)
        let other = try GateHarness(to: impostor.port, trust: trust)
        let result = try other.curl("-w", "%{http_code}", "https://api.example.com/")
        #expect(result.output.contains(#""reason":"certificate""#), "\(result.output)")
        #expect(result.output.hasSuffix("502"))
        _ = server
    }

    @Test func `a certificate for another name is not trusted`() throws {
        let server = try EchoServer(authority: trust, name: "other.example.com")
        let gate = try GateHarness(to: server.port, trust: trust)
        let result = try gate.curl("https://api.example.com/")
        #expect(result.output.contains(#""reason":"certificate""#), "\(result.output)")
    }

    @Test(arguments: ["--http1.1", "--http2"])
    func `what the rule does not allow is answered with the reason, and never reaches the host`(version: String) throws
    {
        let rule = HTTPRule(methods: ["GET"], paths: [try #require(RequestPathPattern("/allowed/**"))], maxBody: 10)
        let (server, gate) = try gate(["h2", "http/1.1"], http: rule)
        let method = try gate.curl(version, "-X", "DELETE", "-w", "%{http_code}", "https://api.example.com/allowed/x")
        #expect(method.output.contains(#""reason":"method""#), "\(method.output)")
        #expect(method.output.contains(#""type":"remit_denied""#))
        #expect(method.output.hasSuffix("403"))
        let path = try gate.curl(version, "-w", "%{http_code}", "https://api.example.com/other")
        #expect(path.output.contains(#""reason":"path""#))
        let dots = try gate.curl(version, "--path-as-is", "https://api.example.com/allowed/../other")
        #expect(dots.output.contains(#""reason":"ambiguous-path""#))
        #expect(gate.connections.current == 0)
        #expect(try gate.curl(version, "https://api.example.com/allowed/x").output.hasPrefix("GET /allowed/x"))
        let denied = gate.records(4).filter { !$0.isAllowed }
        #expect(denied.count == 3)
        #expect(denied.allSatisfy { $0.reason != nil && $0.rule == "the test" })
        _ = server
    }

    @Test(arguments: ["--http1.1", "--http2"])
    func `a body that grows beyond the rule's limit is cut off`(version: String) throws {
        let (server, gate) = try gate(["http/1.1"], http: HTTPRule(maxBody: 100_000))
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        try Data(repeating: 7, count: 300_000).write(to: URL(fileURLWithPath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        let announced = try gate.curl(version, "-T", file, "-w", "%{http_code}", "https://api.example.com/up")
        #expect(announced.output.hasSuffix("413"), "\(announced.output)")
        let chunked = try gate.curl(
            version, "-T", file, "-H", "Transfer-Encoding: chunked", "-H", "Expect:", "-w", "%{http_code}",
            "https://api.example.com/up"
        )
        #expect(chunked.output.contains("413"), "\(chunked.output)")
        #expect(gate.records(2).allSatisfy { !$0.isAllowed })
        _ = server
    }

    @Test(arguments: ["--http1.1", "--http2"])
    func `budgets warn, then refuse, then tell the supervisor`(version: String) throws {
        let (server, gate) = try gate(["h2", "http/1.1"], budgets: BudgetPlan(session: Budget([.requests: 4])))
        var outputs: [String] = []
        for _ in 0..<5 { outputs.append(try gate.curl(version, "-D-", "https://api.example.com/").output.lowercased()) }
        #expect(!outputs[0].contains("remit-budget-warning"))
        #expect(outputs[1].contains("remit-budget-warning: requests=50"))
        #expect(outputs[2].contains("remit-budget-warning: requests=75"))
        #expect(outputs[4].contains("429"))
        #expect(outputs[4].contains(#""dimension":"requests""#), "\(outputs[4])")
        #expect(gate.tells(.exhausted(.requests, host: nil)))
        #expect(gate.told.contains(.budget(.requests, host: nil, threshold: .half)))
        _ = server
    }

    @Test func `a download beyond the budget is cut, and does not look whole`() throws {
        let (server, gate) = try gate(budgets: BudgetPlan(session: Budget([.bytesDown: 1_000_000])))
        let result = try gate.curl("-o", "/dev/null", "-w", "%{size_download}", "https://api.example.com/big?8")
        #expect(result.status != 0)
        #expect(gate.tells(.exhausted(.bytesDown, host: nil)))
        let after = try gate.curl("-w", "%{http_code}", "https://api.example.com/")
        #expect(after.output.hasSuffix("429"))
        _ = server
    }

    @Test func `remit.internal tells what may be done and what is left`() throws {
        let gate = try GateHarness(
            to: 1, host: "remit.internal", port: 80, isTLS: false, via: .service,
            http: HTTPRule(methods: ["GET"], paths: [try #require(RequestPathPattern("/v1/**"))]),
            budgets: BudgetPlan(session: Budget([.requests: 4])), remit: #"{"deadline":"2026-01-01T00:00:00Z"}"#
        )
        let result = try gate.curl("http://remit.internal/v1/remit", host: "remit.internal", port: 80)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        #expect(object["deadline"] as? String == "2026-01-01T00:00:00Z")
        #expect(result.output.contains(#""left":4"#))
        #expect(result.output.contains(#""paths":["/v1/**"]"#), "\(result.output)")
        #expect(
            try gate.curl("-w", "%{http_code}", "http://remit.internal/", host: "remit.internal", port: 80).output
                .hasSuffix("404"))
    }

    @Test func `Python's own client works with the authority in SSL_CERT_FILE`() throws {
        let (server, gate) = try gate()
        let script = """
            import http.client, socket, ssl, sys
            context = ssl.create_default_context()
            raw = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
            connection = http.client.HTTPSConnection("api.example.com")
            connection.sock = context.wrap_socket(raw, server_hostname="api.example.com")
            for body in (b"one", iter([b"two", b"three"])):
                connection.request("PUT", "/p", body=body, encode_chunked=True, headers={} if body == b"one" else {"Transfer-Encoding": "chunked"})
                print(connection.getresponse().read().decode().splitlines()[-1])
            """
        let result = try run(["env", "SSL_CERT_FILE=\(gate.authorityFile)", "python3", "-c", script, "\(gate.port)"])
        #expect(result.output == "one\ntwothree\n")
        _ = server
    }

    @Test(arguments: ["plain", "gzip"])
    func `a model's answer is counted, coded or not, and its budget ends`(coding: String) throws {
        let host = Listener { descriptor in
            Thread.detachNewThread {
                while !descriptor.hear(until: "\r\n\r\n").isEmpty {
                    let text = #"{"model":"m","usage":{"input_tokens":30,"output_tokens":12}}"#
                    var body = Array(text.utf8)
                    if coding == "gzip" {
                        let script = "import gzip,sys; sys.stdout.write(gzip.compress(sys.argv[1].encode()).hex())"
                        let hex = (try? run(["python3", "-c", script, text]).output) ?? ""
                        body = stride(from: 0, to: hex.utf8.count - 1, by: 2).compactMap { offset in
                            UInt8(hex.dropFirst(offset).prefix(2), radix: 16)
                        }
                    }
                    let encoding = coding == "gzip" ? "Content-Encoding: gzip\r\n" : ""
                    descriptor.say(
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\(encoding)Content-Length: \(body.count)\r\n\r\n"
                    )
                    descriptor.say(body)
                }
            }
        }
        let gate = try GateHarness(
            to: host.port, host: "a.example", port: 80, isTLS: false,
            budgets: BudgetPlan(session: Budget([.outputTokens: 20]))
        )
        var outputs: [String] = []
        for _ in 0..<3 {
            outputs.append(
                try gate.curl("--compressed", "http://a.example/v1/messages", host: "a.example", port: 80).output)
        }
        #expect(outputs[0].contains("output_tokens"), "\(outputs[0])")
        #expect(outputs[1].contains("output_tokens"))
        #expect(outputs[2].contains(#""dimension":"outputTokens""#), "\(outputs[2])")
        let usage = gate.meter.usage(open: 0).session
        #expect(usage[.inputTokens] == 60)
        #expect(usage[.outputTokens] == 24)
        #expect(gate.tells(.exhausted(.outputTokens, host: nil)))
    }
}
