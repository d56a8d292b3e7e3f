// SPDX-License-Identifier: Apache-2.0

import RemitNetwork
import Testing

@testable import RemitEgress

@Suite struct ServerNameCheckTests {
    private func objection(
        _ builder: HelloBuilder, to host: String, _ sni: ServerNameRequirement = .required
    ) throws -> String? {
        guard case .tls(let hello) = ClientOpening(builder.records()) else { return "not read" }
        let destination = try Destination(Array(host.utf8))
        return hello.objection(to: destination, under: EgressRule(label: "r", host: .any, sni: sni))?.code
    }

    @Test func `the name must be the one that was connected to`() throws {
        #expect(try objection(HelloBuilder(serverName: "Api.Example.com"), to: "api.example.com") == nil)
        for sni in ServerNameRequirement.allCases {
            #expect(try objection(HelloBuilder(serverName: "evil.example"), to: "api.example.com", sni) == "sni")
            #expect(try objection(HelloBuilder(serverName: "example.com"), to: "api.example.com", sni) == "sni")
            #expect(
                try objection(HelloBuilder(serverName: "api.example.com\0.evil"), to: "api.example.com", sni) == "sni")
        }
    }

    @Test func `a missing or encrypted name is refused unless the rule says otherwise`() throws {
        #expect(try objection(HelloBuilder(serverName: nil), to: "api.example.com") == "no-sni")
        #expect(try objection(HelloBuilder(serverName: nil), to: "api.example.com", .optional) == nil)
        var hidden = HelloBuilder()
        hidden.extensions.append((0xFE0D, [0, 0, 1]))
        #expect(try objection(hidden, to: "api.example.com") == "encrypted-sni")
        #expect(try objection(hidden, to: "api.example.com", .optional) == nil)
    }

    @Test func `an address has no name`() throws {
        #expect(try objection(HelloBuilder(serverName: nil), to: "192.0.2.1") == nil)
        #expect(try objection(HelloBuilder(), to: "192.0.2.1") == "sni")
        #expect(try objection(HelloBuilder(), to: "192.0.2.1", .optional) == nil)
    }
}
