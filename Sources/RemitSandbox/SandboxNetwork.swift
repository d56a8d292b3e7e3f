// SPDX-License-Identifier: Apache-2.0
// What of a network is inside a sandbox: addresses that all lead back into its own namespace, and sockets that wait
// there. Whoever holds those sockets, outside, decides what becomes of a connection.

internal import RemitKernel
package import RemitNetwork

/// The network that an agent finds.
package struct SandboxNetwork: Hashable, Sendable {
    /// Where the kernel cannot redirect, connections to these ports are seen, and others refused by the kernel.
    package var ports: Set<UInt16>
    /// Literal addresses that rules name, besides those that stand for names.
    package var named: Set<Network>
    /// The session has a certificate authority of its own, which programs inside have to trust.
    package var hasAuthority: Bool

    package init(ports: Set<UInt16>, named: Set<Network> = [], hasAuthority: Bool = false) {
        self.ports = ports
        self.named = named
        self.hasAuthority = hasAuthority
    }

    /// 198.18.0.0/15 (RFC 2544) and a unique local block (RFC 4193): each address of them stands for a name.
    package static let synthetic = [
        IPAddress.v4(0xC612_0000), .v6(high: 0xFD00_7265_6D69_0000, low: 0),
    ].compactMap { Network($0, prefix: $0.isVersion6 ? 48 : 15) }

    /// 127.0.0.53.
    package static let nameServer = IPAddress.v4(0x7F00_0035)
    /// 198.18.0.1: the explicit proxy, and `remit.internal`.
    package static let gate = IPAddress.v4(0xC612_0001)
    package static let proxyPort: UInt16 = 3128
    /// Where redirected connections arrive: a port that no agent can take, for it needs a capability.
    package static let redirectedPort: UInt16 = 1
    /// `remit.internal` answers here.
    package static let informationPort: UInt16 = 80
    package static let informationName = "remit.internal"

    private static let loopback = IPAddress.v4(0x7F00_0001)
    private static let loopbackOfSix = IPAddress.v6(high: 0, low: 1)
    private static let any = IPAddress.v4(0)
    private static let anyOfSix = IPAddress.v6(high: 0, low: 0)

    /// Every address that a connection can be made to, besides the loopback's.
    package var blocks: [Network] {
        let others = named.filter { named in
            // The loopback is the sandbox's own, whatever a rule says.
            named.base.scope != .loopback && !Self.synthetic.contains { $0.contains(named) }
        }
        return Self.synthetic + others.sorted { "\($0)" < "\($1)" }
    }

    /// One address of each block.
    var samples: [IPAddress] {
        blocks.compactMap { $0.isSingle ? $0.base : IPAddress(networkBytes: $0.base.networkBytes.dropLast() + [1]) }
    }

    /// Files beneath /etc that say where names are asked for.
    var files: [String: String] {
        [
            "hosts": "127.0.0.1 localhost remit\n::1 localhost remit\n\(Self.gate) \(Self.informationName)\n",
            "resolv.conf": "nameserver \(Self.nameServer)\n",
        ]
    }

    /// Makes the addresses local, opens the sockets, and hands them to the supervisor.
    var steps: [LaunchStep] {
        let four: Slot = "redirected connections"
        let six: Slot = "redirected connections (IPv6)"
        var steps: [LaunchStep] = blocks.map {
            .localRoute($0.base.networkBytes, length: $0.prefix, optional: $0.base.isVersion6)
        }
        let fixed: [(LaunchStep.Transport, SocketAddress, Slot, DescriptorTag)] = [
            (.datagram, Self.place(Self.nameServer, 53), "name server (UDP)", .nameDatagrams),
            (.stream, Self.place(Self.nameServer, 53), "name server (TCP)", .nameStreams),
            (.stream, Self.place(Self.gate, Self.proxyPort), "proxy", .proxy),
        ]
        for (transport, address, slot, tag) in fixed {
            steps += [.listen(transport, on: address, into: slot), .send(slot, tag: tag)]
        }
        steps += [
            .listen(.stream, on: Self.place(Self.loopback, Self.redirectedPort), into: four),
            .listen(.stream, on: Self.place(Self.loopbackOfSix, Self.redirectedPort), into: six, optional: true),
            .redirect(
                to: Self.redirectedPort, sparing: Self.place(Self.gate, Self.proxyPort), listeners: (four, six)
            ),
            .send(four, tag: .redirected, optional: true), .send(six, tag: .redirected, optional: true),
        ]
        for port in ports.union([Self.informationPort]).subtracting([Self.proxyPort, 53]).sorted() {
            let pair = [
                (Self.any, Slot("port \(port)")), (Self.anyOfSix, Slot("port \(port) (IPv6)")),
            ]
            for (address, slot) in pair {
                steps += [
                    .listen(
                        .stream, on: Self.place(address, port), into: slot, unless: four, optional: address.isVersion6
                    ),
                    .send(slot, tag: .port, optional: true),
                ]
            }
        }
        return steps
    }

    private static func place(_ address: IPAddress, _ port: UInt16) -> SocketAddress {
        SocketAddress(address.networkBytes, port: port)
    }
}

/// A file beneath `/run/remit/trust` that the supervisor fills before the agent runs.
package enum TrustFile: String, Hashable, Sendable, CaseIterable {
    /// The session's authority alone, PEM.
    case authority = "authority.pem"
    /// The host's authorities and the session's, PEM.
    case bundle = "ca-certificates.crt"
    /// The same as a Java trust store.
    case java = "cacerts"

    package var name: String { rawValue }

    /// Absolute, inside.
    package var path: String { "/\(SandboxPlan.Path.trust)/\(name)" }

    /// What it takes the place of, relative to the root.
    package var place: String {
        switch self {
        case .authority: "\(SandboxPlan.Path.trust)/\(name)"
        case .bundle: "etc/ssl/certs/ca-certificates.crt"
        case .java: "etc/ssl/certs/java/cacerts"
        }
    }
}
