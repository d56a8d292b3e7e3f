// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitGate
import RemitNetwork
import Synchronization

@testable import RemitEgress

/// Connects to one port of loopback, whatever the host.
struct LoopbackConnector: UpstreamConnecting {
    let port: Int
    let count: Counter

    final class Counter: Sendable {
        private let value = Mutex(0)
        func increment() { value.withLock { $0 += 1 } }
        var current: Int { value.withLock { $0 } }
    }

    func connect(
        to destination: Destination, port: UInt16, rule: EgressRule,
        completion: @escaping @Sendable (Result<UpstreamSocket, UpstreamError>) -> Void
    ) {
        count.increment()
        guard let descriptor = LoopbackSocket.connect(self.port) else {
            return completion(.failure(UpstreamError("refused", "the host refuses connections")))
        }
        completion(.success(UpstreamSocket(descriptor: descriptor, address: .v4(0x7F00_0001))))
    }
}

enum LoopbackSocket {
    static func address(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    static func connect(_ port: Int) -> CInt? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = address(port)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result == 0 { return descriptor }
        close(descriptor)
        return nil
    }
}

/// Accepts on loopback and hands each connection to a closure, on one thread.
final class Listener: Sendable {
    let port: Int
    private let descriptor: CInt

    init(_ serve: @escaping @Sendable (CInt) -> Void) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = LoopbackSocket.address(0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(descriptor, $0, size)
                _ = listen(descriptor, 128)
                _ = getsockname(descriptor, $0, &size)
            }
        }
        self.descriptor = descriptor
        port = Int(in_port_t(bigEndian: address.sin_port))
        Thread.detachNewThread {
            while true {
                let accepted = accept(descriptor, nil, nil)
                if accepted < 0 { return }
                serve(accepted)
            }
        }
    }

    deinit {
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
    }
}

/// An inspector between a listening socket and a port of loopback, as the relay would run it.
final class GateHarness: Sendable {
    let inspector: Inspector
    let meter: BudgetMeter
    let authorityFile: String
    let connections: LoopbackConnector.Counter
    private let events = Mutex<[GateEvent]>([])
    private let listener = Mutex<Listener?>(nil)

    var port: Int { listener.withLock { $0?.port ?? 0 } }

    static let now = Int64(Date().timeIntervalSince1970)

    /// - Parameters:
    ///   - upstream: the port that every host is at.
    ///   - trust: the authority of these hosts.
    init(
        to upstream: Int, trust: CertificateAuthority? = nil, host: String = "api.example.com", port: UInt16 = 443,
        isTLS: Bool = true, via: GateConnection.Via = .transparent, http: HTTPRule? = nil,
        budgets: BudgetPlan = BudgetPlan(),
        bindings: [SecretBinding] = [], limits: HTTPLimits = HTTPLimits(), remit: String = "{}",
        clients: [UpstreamTrust.ClientCertificate] = []
    ) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let trustFile = folder.appending(path: "trust.pem").path
        if let trust { try Data(trust.pem.utf8).write(to: URL(fileURLWithPath: trustFile)) }
        let destination = try Destination(Array(host.utf8))
        let rule = EgressRule(
            label: "test", host: try HostPattern(host), ports: [port], http: http, allowsClearText: !isTLS
        )
        let policy = EgressPolicy(layers: [EgressLayer(name: "the test", rules: [rule])])
        let connections = LoopbackConnector.Counter()
        self.connections = connections
        let box = EventBox()
        let meter = BudgetMeter(budgets) { event in box.harness?.events.withLock { $0.append(event) } }
        self.meter = meter
        inspector = try Inspector(
            InspectorPlan(
                configuration: GateConfiguration(
                    session: "test", policy: policy, bindings: bindings, budgets: budgets,
                    trust: UpstreamTrust(
                        authorities: trust == nil ? [] : [trustFile], clientCertificates: clients), remit: remit
                ),
                meter: meter, connector: LoopbackConnector(port: upstream, count: connections), limits: limits,
                now: Self.now, report: { event in box.harness?.events.withLock { $0.append(event) } }
            )
        )
        authorityFile = folder.appending(path: "authority.pem").path
        try Data((inspector.authority ?? "").utf8).write(to: URL(fileURLWithPath: authorityFile))
        box.set(self)
        let inspector = inspector
        let number = LoopbackConnector.Counter()
        let listener = Listener { descriptor in
            number.increment()
            inspector.adopt(
                descriptor: descriptor,
                connection: GateConnection(
                    id: UInt64(number.current), destination: destination, port: port, rule: rule, isTLS: isTLS, via: via
                )
            )
        }
        self.listener.withLock { $0 = listener }
    }

    deinit { try? inspector.stop() }

    private final class EventBox: Sendable {
        private struct Weak { weak var harness: GateHarness? }
        private let value = Mutex(Weak())
        var harness: GateHarness? { value.withLock { $0.harness } }
        func set(_ harness: GateHarness) { value.withLock { $0.harness = harness } }
    }

    /// Every event so far.
    var told: [GateEvent] { events.withLock { $0 } }

    /// Whether the supervisor is told this, soon: some things it hears after the agent was answered.
    func tells(_ event: GateEvent) -> Bool {
        for _ in 0..<500 where !told.contains(event) { usleep(10_000) }
        return told.contains(event)
    }

    /// The records of requests so far, waiting until there are so many.
    func records(_ count: Int) -> [EgressRecord] {
        var records: [EgressRecord] = []
        for _ in 0..<400 {
            records = told.compactMap { if case .record(let record) = $0 { record } else { nil } }
            if records.count >= count { break }
            usleep(5000)
        }
        return records
    }

    /// Runs curl against the gate, which it takes for the host.
    func curl(
        _ arguments: String..., host: String = "api.example.com", port: Int = 443
    ) throws -> (status: Int32, output: String) {
        try run(
            [
                "curl", "-sS", "-m", "20", "--noproxy", "*", "--cacert", authorityFile, "--connect-to",
                "\(host):\(port):127.0.0.1:\(self.port)",
            ]
                + arguments
        )
    }
}

func run(_ arguments: [String], input: Data? = nil) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: text, as: UTF8.self))
}

/// A client that says exactly what it is told to.
final class RawClient {
    private let descriptor: CInt

    init(_ port: Int) throws {
        guard let descriptor = LoopbackSocket.connect(port) else { throw POSIXError(.ECONNREFUSED) }
        self.descriptor = descriptor
        setTimeout(10_000)
    }

    deinit { close(descriptor) }

    func setTimeout(_ milliseconds: Int) {
        var timeout = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            sent += count
        }
    }

    /// What comes until the text does, the connection ends, or time is over.
    func read(until end: String? = nil) -> String {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while end.map({ !String(decoding: text, as: UTF8.self).contains($0) }) ?? true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count <= 0 { break }
            text += buffer[..<count]
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Bytes, as many as come at once; nil at the end.
    func bytes() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? Array(buffer[..<count]) : nil
    }
}

extension CInt {
    /// Sends to a raw socket.
    func say(_ text: String) { say(Array(text.utf8)) }

    func say(_ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { Foundation.send(self, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    /// What comes until the text does, or the end.
    func hear(until end: String) -> String {
        var text: [UInt8] = []
        var byte: UInt8 = 0
        while !String(decoding: text, as: UTF8.self).hasSuffix(end), recv(self, &byte, 1, 0) == 1 { text.append(byte) }
        return String(decoding: text, as: UTF8.self)
    }
}
