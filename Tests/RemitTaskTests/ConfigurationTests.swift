// SPDX-License-Identifier: Apache-2.0

import RemitTask
import Testing

@Suite struct ConfigurationTests {
    @Test func `every key of a configuration is decoded`() throws {
        let configuration = try Configuration.decode(Samples.configuration, file: "config.yaml")
        #expect(configuration.trustDomain == "example.org")
        #expect(configuration.defaultProfile == "coding")
        #expect(
            configuration.sockets == [
                "orders-postgres": HostSocket(
                    path: "/var/run/postgresql/.s.PGSQL.5432", target: "/run/remit/sockets/.s.PGSQL.5432"
                ),
                "cache": HostSocket(path: "/run/cache.sock", target: "/run/remit/sockets/cache"),
            ]
        )
        #expect(
            configuration.providers["orders"]
                == ProviderInstance(
                    kind: .command, command: ["/usr/local/libexec/remit/remit-provider-postgres", "--verbose"],
                    environment: ["PGPASSFILE": "/etc/remit/pgpass"],
                    settings: [
                        "host": .string("db"), "port": .integer(5432), "ratio": .number(0.5), "tls": .boolean(true),
                        "grants": .list([.map(["table": .string("orders"), "on": .list([.string("SELECT")])])]),
                    ],
                    timeLimit: .seconds(10), maximumTTL: .seconds(300), maximumLive: 8
                )
        )
        #expect(configuration.providers["shop"] == ProviderInstance(kind: .postgres))
        #expect(configuration.providers["signer"]?.maximumTTL == .seconds(600))
    }

    @Test func `without a file the standard configuration holds`() throws {
        let text = "apiVersion: remit/v1\nkind: Configuration\n"
        #expect(try Configuration.decode(text, file: "config.yaml") == .standard)
        #expect(Configuration.standard.provider(named: "session-token")?.kind == .sessionToken)
        #expect(Configuration.standard.provider(named: "orders") == nil)
        #expect(Configuration.standard.providerNames == ["session-token"])
    }

    @Test func `the canonical form says everything once`() throws {
        let configuration = try Configuration.decode(Samples.configuration, file: "config.yaml")
        let text = String(decoding: configuration.canonicalJSON(), as: UTF8.self)
        #expect(text.contains(#""settings":{"grants":[{"on":["SELECT"],"table":"orders"}],"host":"db","port":5432,"#))
        #expect(text.contains(#""ratio":0.5,"tls":true"#))
    }

    @Test func `canonical text is escaped as JSON wants it`() {
        let text = CanonicalJSON.string("\"\\\u{8}\t\n\u{1}é😀").bytes
        #expect(String(decoding: text, as: UTF8.self) == #""\"\\\b\t\n\u0001é😀""#)
        let keys = CanonicalJSON.map(["😀": .integer(1), "\u{FB33}": .integer(2), "a": .number(1e21)]).bytes
        #expect(String(decoding: keys, as: UTF8.self) == "{\"a\":1e+21,\"😀\":1,\"\u{FB33}\":2}")
    }
}
