// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitTesting

extension Playground {
    /// The credential that a task asks of the provider below.
    static let orders =
        "credentials: [{name: orders, provider: orders, scope: {tables: [orders], privileges: [SELECT]}, ttl: \(minute)}]"

    /// Where the provider below keeps one file for each credential that exists.
    var providerStore: String { base + "/credentials" }

    /// What every credential of the provider below begins with.
    var secret: String { "S3cret-" + canary.dropFirst("canary-".count) }

    /// An argument of the provider's that tells it from other tests'.
    var providerMark: String { base + "/provider" }

    /// The requests that the provider got, in order.
    func providerRequests() throws -> [JSON] {
        try (Files.text(base + "/provider.log") ?? "").split(separator: "\n").map { try JSON.parse(Array($0.utf8)) }
    }

    /// Configures a provider `orders` whose operations go wrong as told; see Resources/provider.py.
    ///
    /// - Parameter timeLimit: seconds on a machine of the usual speed, see ``patience``.
    func provider(_ behaviour: [String: String], timeLimit: Int = 2, more: String = "") throws {
        try FileManager.default.createDirectory(atPath: providerStore, withIntermediateDirectories: true)
        var settings = behaviour
        settings["store"] = providerStore
        settings["log"] = base + "/provider.log"
        settings["secret"] = secret
        settings["marker"] = marker
        let pairs = settings.sorted { $0.key < $1.key }.map { "\($0.key): \(quoted($0.value))" }.joined(separator: ", ")
        try configure(
            """
            providers:
              orders:
                kind: command
                command: [/usr/bin/python3, \(quoted(resourcePath("provider.py"))), \(quoted(providerMark))]
                settings: {\(pairs)}
                timeLimit: \(timeLimit * patience)s
                maximumTTL: 5m
            \(more)
            """
        )
    }
}
