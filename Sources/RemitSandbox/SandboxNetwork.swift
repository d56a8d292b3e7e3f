// SPDX-License-Identifier: Apache-2.0
// What of a network is inside a sandbox: addresses that all lead back into its own namespace, and sockets that wait
// there. Whoever holds those sockets, outside, decides what becomes of a connection.

package import RemitKernel

/// The network that an agent finds.
package struct SandboxNetwork: Hashable, Sendable {
    /// Where the kernel cannot redirect, connections to these ports are seen, and others refused by the kernel.
    package var ports: Set<UInt16>
    /// Literal addresses that rules name, besides those that stand for names.
    package var named: [AddressBlock]
    /// The session has a certificate authority of its own, which programs inside have to trust.
    package var hasAuthority: Bool

    package init(ports: Set<UInt16>, named: [AddressBlock] = [], hasAuthority: Bool = false) {
        self.ports = ports
        self.named = named
        self.hasAuthority = hasAuthority
    }

    /// 198.18.0.0/15 (RFC 2544) and a unique local block (RFC 4193): each address of them stands for a name.
    package static let synthetic = [
        AddressBlock(bytes: [198, 18, 0, 0], length: 15),
        AddressBlock(bytes: [0xfd, 0, 0x72, 0x65, 0x6d, 0x69] + [UInt8](repeating: 0, count: 10), length: 48),
    ].compactMap(\.self)

    package static let nameServer = InternetAddress.v4(127, 0, 0, 53)
    /// The explicit proxy, and `remit.internal`.
    package static let gate = InternetAddress.v4(198, 18, 0, 1)
    package static let proxyPort: UInt16 = 3128
    /// Where redirected connections arrive: a port that no agent can take, for it needs a capability.
    package static let redirectedPort: UInt16 = 1
    /// `remit.internal` answers here.
    package static let informationPort: UInt16 = 80
    package static let informationName = "remit.internal"

    /// Every address that a connection can be made to, besides the loopback's.
    package var blocks: [AddressBlock] { Self.synthetic + named }

    /// One address of each block.
    var samples: [InternetAddress] {
        blocks.compactMap { block in
            InternetAddress(bytes: block.length < block.bytes.count * 8 ? block.bytes.dropLast() + [1] : block.bytes)
        }
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
        var steps: [LaunchStep] = blocks.map { .localRoute($0, optional: !$0.isIPv4) }
        let fixed: [(LaunchStep.Transport, InternetAddress, UInt16, Slot, DescriptorTag)] = [
            (.datagram, Self.nameServer, 53, "name server (UDP)", .nameDatagrams),
            (.stream, Self.nameServer, 53, "name server (TCP)", .nameStreams),
            (.stream, Self.gate, Self.proxyPort, "proxy", .proxy),
        ]
        for (transport, address, port, slot, tag) in fixed {
            steps += [.listen(transport, on: address, port: port, into: slot), .send(slot, tag: tag)]
        }
        steps += [
            .listen(.stream, on: .v4(127, 0, 0, 1), port: Self.redirectedPort, into: four),
            .listen(.stream, on: .v6([], last: 1), port: Self.redirectedPort, into: six, optional: true),
            .redirect(to: Self.redirectedPort, sparing: (Self.gate, Self.proxyPort), listeners: (four, six)),
            .send(four, tag: .redirected, optional: true), .send(six, tag: .redirected, optional: true),
        ]
        for port in ports.union([Self.informationPort]).subtracting([Self.proxyPort, 53]).sorted() {
            let pair: [(InternetAddress, Slot)] = [
                (.v4(0, 0, 0, 0), Slot("port \(port)")), (.v6([]), Slot("port \(port) (IPv6)")),
            ]
            for (address, slot) in pair {
                steps += [
                    .listen(.stream, on: address, port: port, into: slot, unless: four, optional: !address.isIPv4),
                    .send(slot, tag: .port, optional: true),
                ]
            }
        }
        return steps
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
