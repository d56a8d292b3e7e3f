// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// One call of provider protocol v1; its JSON form is what a program reads on standard input.
package struct ProviderRequest: Sendable, Hashable, Codable {
    package enum Operation: String, Sendable, Hashable, Codable, CaseIterable {
        case issue, renew, revoke, probe, list
    }

    package static let version = "remit-provider/v1"

    package var version: String = ProviderRequest.version
    package var operation: Operation
    package var instance: String
    /// The operator's; filled in by the provider that makes the call.
    package var settings: ProviderValue?
    /// The name at the provider; the prefix to look for when listing.
    package var handle: String
    package var session: String
    package var task: String
    package var owner: String
    package var scope: [String: ProviderValue]?
    /// RFC 3339; the credential must end by itself then.
    package var notAfter: String?
    package var ttlSeconds: Int?
    package var epoch: Int

    private enum CodingKeys: String, CodingKey {
        case version = "protocol"
        case operation, instance, settings, handle, session, task, owner, scope, notAfter, ttlSeconds, epoch
    }

    package init(
        operation: Operation,
        instance: String,
        settings: ProviderValue? = nil,
        handle: String,
        session: String,
        task: String,
        owner: String,
        scope: [String: ProviderValue]? = nil,
        notAfter: String? = nil,
        ttlSeconds: Int? = nil,
        epoch: Int
    ) {
        self.operation = operation
        self.instance = instance
        self.settings = settings
        self.handle = handle
        self.session = session
        self.task = task
        self.owner = owner
        self.scope = scope
        self.notAfter = notAfter
        self.ttlSeconds = ttlSeconds
        self.epoch = epoch
    }

    /// One JSON object with sorted keys.
    ///
    /// - Throws: what JSONEncoder throws, for a setting that is not a finite number.
    package func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self))
    }
}
