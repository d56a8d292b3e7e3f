// SPDX-License-Identifier: Apache-2.0
// The network of a sandbox, tried from inside, with this process as whoever waits outside.

import Glibc
import RemitNetwork
import RemitTask
import Testing

@testable import RemitKernel
@testable import RemitSandbox

@Suite(.enabled(if: Machine.canBuild, "needs user namespaces"), .serialized)
struct NetworkTests {
    private static let host = HostSupport.made(
        isRoot: Machine.host.isRoot, landlock: Machine.host.landlock.abi, canReportCalls: false
    )

    /// What was heard while a Python program ran inside.
    private struct Result {
        var output: [String: String] = [:]
        /// Where each accepted connection was going, by the kind of its listener.
        var arrivals: [SandboxListener.Kind: [String]] = [:]
        var kinds: [SandboxListener.Kind] = []
        var proved: [ConfinementProbe] = []
    }

    private static let preamble = """
        import socket, errno, sys
        def attempt(name, body):
            try: result = body()
            except OSError as error: result = errno.errorcode[error.errno]
            print(name, result or "ok", flush=True)
        def tcp(address, port, data=b""):
            def body():
                s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
                s.settimeout(5)
                s.connect((address, port))
                return s.recv(2).decode() or "closed"
            return body
        def udp(address, port):
            def body():
                s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
                s.settimeout(5)
                s.connect((address, port))
                s.send(b"?")
                return s.recv(2).decode()
            return body
        def fast(address, port):
            def body():
                s = socket.socket()
                s.sendto(b"x", socket.MSG_FASTOPEN, (address, port))
                return s.recv(2).decode() or "closed"
            return body
        def bind(address, port, kind=socket.SOCK_STREAM):
            def body():
                s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                s.bind((address, port))
                if kind == socket.SOCK_STREAM: s.listen()
            return body

        """

    /// Runs a program in a sandbox with `network`, answering "hi" to whoever arrives.
    private func run(
        _ program: String, _ network: SandboxNetwork, changing change: (inout LaunchPlan) -> Void = { _ in }
    ) throws -> Result {
        var request = Made.request(["python3", "-I", "-c", Self.preamble + program])
        request.network = network
        let sandbox = try Made.plan(request, host: Self.host)
        var plan = sandbox.launch
        change(&plan)
        let silent = DescriptorBox(try FileSystem.open("/dev/null", O_RDWR))
        let (read, written) = try Self.output()
        let child = try Child.launch(
            plan,
            descriptors: [
                "standard input": silent.number, "standard output": written.number, "standard error": 2,
            ]
        )
        defer {
            try? child.signal(SIGKILL)
            child.collect()
        }
        written.close()
        try IdentityMaps.write(
            process: child.pid, insideUser: AgentIdentity.inside, insideGroup: AgentIdentity.inside,
            outsideUser: sandbox.identity.user, outsideGroup: sandbox.identity.group,
            keepSetGroups: Machine.host.isRoot
        )
        try child.mapped()
        var result = Result()
        var listeners: [SandboxListener] = []
        conversation: while true {
            switch try child.receive() {
            case .ready: try child.go(extraEnvironment: [])
            case .proved(let proof): result.proved = proof.held
            case .failed(let failure): throw failure
            case .descriptor(let tag, let socket):
                if let listener = SandboxListener(tag, socket) { listeners.append(listener) }
            case .ended: break conversation
            }
        }
        result.kinds = listeners.map(\.kind)
        try serve(listeners, until: read, &result)
        return result
    }

    private static func output() throws -> (DescriptorBox, DescriptorBox) {
        let pair = try pipe()
        return (DescriptorBox(try pair.read.duplicate()), DescriptorBox(try pair.write.duplicate()))
    }

    private func serve(_ listeners: [SandboxListener], until output: DescriptorBox, _ result: inout Result) throws {
        var text: [UInt8] = []
        while true {
            var polled = ([output] + listeners.map(\.socket)).map {
                pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0)
            }
            guard poll(&polled, nfds_t(polled.count), 20_000) > 0 else {
                throw SystemCallError("hear from the program", Errno(code: ETIMEDOUT))
            }
            for (index, listener) in listeners.enumerated() where polled[index + 1].revents != 0 {
                result.arrivals[listener.kind, default: []].append(try answer(listener))
            }
            if polled[0].revents != 0 {
                var buffer = [UInt8](repeating: 0, count: 4096)
                let count = read(output.number, &buffer, buffer.count)
                if count <= 0 { break }
                text += buffer[..<count]
            }
        }
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            if words.count == 2 { result.output[words[0]] = words[1] }
        }
    }

    private func answer(_ listener: SandboxListener) throws -> String {
        var address = [UInt8](repeating: 0, count: 28)
        var length = socklen_t(address.count)
        if listener.kind == .nameDatagrams {
            var byte: UInt8 = 0
            address.withUnsafeMutableBytes { raw in
                let peer = raw.bindMemory(to: sockaddr.self).baseAddress
                recvfrom(listener.socket.number, &byte, 1, 0, peer, &length)
                sendto(listener.socket.number, "hi", 2, 0, peer, length)
            }
            return "datagram"
        }
        let accepted = accept(listener.socket.number, nil, nil)
        #expect(accepted >= 0)
        defer { close(accepted) }
        write(accepted, "hi", 2)
        var family: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        getsockopt(accepted, SOL_SOCKET, SO_DOMAIN, &family, &size)
        if listener.kind == .redirected {
            // SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST.
            #expect(getsockopt(accepted, family == AF_INET ? 0 : 41, 80, &address, &length) == 0)
        } else {
            address.withUnsafeMutableBytes { raw in
                _ = getsockname(accepted, raw.bindMemory(to: sockaddr.self).baseAddress, &length)
            }
        }
        let bytes = family == AF_INET ? address[4..<8] : address[8..<24]
        let port = Int(address[2]) << 8 | Int(address[3])
        return "\(IPAddress(networkBytes: bytes)?.description ?? "?") \(port)"
    }

    private static let places = """
        attempt("four", tcp("198.18.7.7", 443))
        attempt("six", tcp("fd00:7265:6d69::7", 8443))
        attempt("information", tcp("198.18.0.1", 80))
        attempt("proxy", tcp("198.18.0.1", 3128))
        attempt("names-tcp", tcp("127.0.0.53", 53))
        attempt("names-udp", udp("127.0.0.53", 53))
        attempt("other-port", tcp("198.19.255.254", 9))
        attempt("loopback", tcp("127.0.0.1", 443))
        attempt("fast", fast("198.18.7.8", 443))
        for name, address in (("documentation", "192.0.2.1"), ("metadata", "169.254.169.254"), ("private", "10.0.0.1"),
                              ("before", "198.17.255.255"), ("after", "198.20.0.0"), ("six-out", "2001:db8::1")):
            attempt(name, tcp(address, 80))
            attempt(name + "-udp", udp(address, 53))
        attempt("fast-out", fast("192.0.2.1", 80))
        attempt("synthetic-udp", udp("198.18.7.7", 53))
        attempt("quic", udp("198.18.7.7", 443))
        attempt("quic-six", udp("fd00:7265:6d69::7", 443))

        """

    private func expectNothingElse(_ result: Result) {
        for name in ["documentation", "metadata", "private", "before", "after", "six-out"] {
            #expect(result.output[name] == "ENETUNREACH", "\(name): \(result.output[name] ?? "nothing")")
            #expect(result.output[name + "-udp"] == "ENETUNREACH", "\(name): \(result.output[name + "-udp"] ?? "")")
        }
        #expect(result.output["fast-out"] == "ENETUNREACH")
        for name in ["synthetic-udp", "quic", "quic-six"] { #expect(result.output[name] == "ECONNREFUSED", "\(name)") }
        #expect(result.proved.contains(.reach))
    }

    /// Whether this kernel lets a session redirect its own connections.
    private static let redirects: Bool = {
        let text = try? NetworkTests().run("print('x y')", SandboxNetwork(ports: []))
        return text?.kinds.contains(.redirected) ?? false
    }()

    @Test(.enabled(if: redirects, "needs nftables in a namespace of one's own"))
    func `every connection is seen with where it was going, whatever its port`() throws {
        let result = try run(Self.places, SandboxNetwork(ports: [443]))
        for name in ["four", "six", "information", "proxy", "names-tcp", "names-udp", "other-port", "fast"] {
            #expect(result.output[name] == "hi", "\(name): \(result.output[name] ?? "nothing")")
        }
        #expect(result.output["loopback"] == "ECONNREFUSED")
        #expect(
            result.arrivals[.redirected] == [
                "198.18.7.7 443", "fd00:7265:6d69::7 8443", "198.18.0.1 80", "198.19.255.254 9", "198.18.7.8 443",
            ])
        #expect(result.arrivals[.proxy] == ["198.18.0.1 3128"])
        #expect(result.kinds.allSatisfy { $0 != .port(443) && $0 != .port(80) })
        expectNothingElse(result)
    }

    /// As on a kernel without nftables: the request goes to a netlink family that no kernel has.
    private static func withoutRedirection(_ plan: inout LaunchPlan) {
        plan.setup = plan.setup.map { step in
            step.description.hasPrefix("redirect") ? step.with { $0.a = 31 } : step
        }
    }

    @Test func `without redirection the ports of the rules are seen, and others refused`() throws {
        let result = try run(
            Self.places, SandboxNetwork(ports: [443, 8443]), changing: Self.withoutRedirection(_:))
        for name in ["four", "six", "information", "proxy", "names-tcp", "names-udp", "fast"] {
            #expect(result.output[name] == "hi", "\(name): \(result.output[name] ?? "nothing")")
        }
        #expect(result.output["other-port"] == "ECONNREFUSED")
        #expect(!result.kinds.contains(.redirected))
        #expect(result.kinds.suffix(6) == [.port(80), .port(80), .port(443), .port(443), .port(8443), .port(8443)])
        #expect(
            result.arrivals[.port(443)] == ["198.18.7.7 443", "127.0.0.1 443", "198.18.7.8 443"])
        #expect(result.arrivals[.port(8443)] == ["fd00:7265:6d69::7 8443"])
        #expect(result.arrivals[.port(80)] == ["198.18.0.1 80"])
        expectNothingElse(result)
    }

    @Test func `an address that a rule names is local, and its neighbours are not`() throws {
        let named = try Set([#require(Network("10.1.2.0/24")), #require(Network("169.254.169.254"))])
        let result = try run(
            """
            attempt("inside", tcp("10.1.2.3", 443))
            attempt("metadata", tcp("169.254.169.254", 443))
            attempt("outside", tcp("10.1.3.1", 443))
            attempt("neighbour", tcp("169.254.169.253", 443))
            """, SandboxNetwork(ports: [443], named: named))
        #expect(result.output["inside"] == "hi")
        #expect(result.output["metadata"] == "hi")
        #expect(result.output["outside"] == "ENETUNREACH")
        #expect(result.output["neighbour"] == "ENETUNREACH")
        let arrivals = (result.arrivals[.redirected] ?? []) + (result.arrivals[.port(443)] ?? [])
        #expect(arrivals == ["10.1.2.3 443", "169.254.169.254 443"])
        #expect(result.proved.contains(.reach))
    }

    @Test func `nobody inside takes the place of a listener`() throws {
        let result = try run(
            """
            attempt("dns", bind("127.0.0.53", 53))
            attempt("dns-udp", bind("127.0.0.53", 53, socket.SOCK_DGRAM))
            attempt("dns-any", bind("0.0.0.0", 53, socket.SOCK_DGRAM))
            attempt("proxy", bind("198.18.0.1", 3128))
            attempt("proxy-any", bind("0.0.0.0", 3128))
            attempt("redirected", bind("127.0.0.1", 1))
            attempt("redirected-any", bind("::", 1))
            attempt("own", bind("127.0.0.1", 8080))
            """, SandboxNetwork(ports: [443]))
        for name in ["dns", "dns-udp", "dns-any", "redirected", "redirected-any"] {
            #expect(result.output[name] == "EACCES", "\(name): \(result.output[name] ?? "nothing")")
        }
        for name in ["proxy", "proxy-any"] { #expect(result.output[name] == "EADDRINUSE", "\(name)") }
        #expect(result.output["own"] == "ok")
    }

    @Test func `what is trusted is filled from outside, and read-only inside`() throws {
        var request = Made.request(["sh", "-c", "cat /run/remit/trust/authority.pem; exec 2>/dev/null; true"])
        request.network = SandboxNetwork(ports: [443], hasAuthority: true)
        let setup = try Made.plan(request, host: Self.host).launch.setup.map(\.description)
        #expect(setup.contains("mount /etc/ssl/certs/ca-certificates.crt on `/etc/ssl/certs/ca-certificates.crt`"))
        #expect(setup.contains("make /etc/ssl/certs/ca-certificates.crt read-only"))
        #expect(setup.contains("make trust read-only"))
        request.network?.hasAuthority = false
        #expect(!(try Made.plan(request, host: Self.host).launch.setup.contains { $0.description.contains("trust") }))
    }

    @Test func `a route that leads out of the namespace is found by the proof`() throws {
        let named = try #require(Network("10.1.2.0/24"))
        let failure = #expect(throws: LaunchFailure.self) {
            _ = try run("", SandboxNetwork(ports: [443], named: [named])) { plan in
                plan.setup = plan.setup.map { step in
                    guard step.description.hasPrefix("make `10.1.2") else { return step }
                    // RTN_UNICAST, RT_SCOPE_LINK: as a network behind an interface.
                    return step.with {
                        $0.data[16 + 6] = 253
                        $0.data[16 + 7] = 1
                    }
                }
            }
        }
        #expect(failure?.breach == .reach)
        let other = #expect(throws: LaunchFailure.self) {
            _ = try run("", SandboxNetwork(ports: [443])) { plan in
                let index = plan.setup.firstIndex { $0.description.hasPrefix("make `198.18") } ?? 0
                plan.setup.insert(.localRoute([192, 0, 2, 0], length: 24), at: index)
            }
        }
        #expect(other?.breach == .reach)
    }

    @Test func `what a rule names and is there already makes no route of its own`() throws {
        let named = try Set(["127.0.0.0/8", "::1", "198.18.7.0/24", "10.0.0.0/8"].map { try #require(Network($0)) })
        let blocks = SandboxNetwork(ports: [], named: named).blocks.map(\.description)
        #expect(blocks == ["198.18.0.0/15", "fd00:7265:6d69::/48", "10.0.0.0/8"])
    }
}
