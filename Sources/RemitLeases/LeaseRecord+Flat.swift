// SPDX-License-Identifier: Apache-2.0
// A record as a flat map, for whatever journal holds it.

internal import RemitKernel

extension LeaseRecord {
    /// What a field of a record can be.
    package enum Field: Sendable, Hashable {
        case string(String)
        case integer(Int)
        case bool(Bool)
    }

    /// The record without its event, which is the journal's type; only fields that are set.
    package var fields: [String: Field] {
        var fields: [String: Field] = ["lease": .string(lease), "epoch": .integer(epoch)]
        put(time, "time", &fields)
        for (key, path) in Self.strings {
            if let value = self[keyPath: path] { fields[key] = .string(value) }
        }
        fields["ttlMilliseconds"] = ttlMilliseconds.map { .integer($0) }
        fields["attempts"] = attempts.map { .integer($0) }
        fields["agentHeld"] = isAgentHeld.map { .bool($0) }
        fields["nextAttempt"] = nextAttempt.map { .string($0.rfc3339) }
        fields["failure"] = failure.map { .string($0.rawValue) }
        if let deadline { put(deadline, "deadline", &fields) }
        if let expires { put(expires, "expires", &fields) }
        return fields
    }

    /// - Throws: ``LedgerError/unreadable(_:)`` for an unknown event or field, a missing field or a wrong type.
    package init(type: String, fields: [String: Field]) throws(LedgerError) {
        guard let event = Event(rawValue: type) else { throw .unreadable("unknown lease record `\(type)`") }
        var reader = FieldReader(type: type, fields: fields)
        self.init(
            event: event,
            lease: try reader.required("lease"),
            epoch: try reader.requiredInteger("epoch"),
            time: try reader.requiredStamp("time")
        )
        for (key, path) in Self.strings { self[keyPath: path] = try reader.string(key) }
        ttlMilliseconds = try reader.integer("ttlMilliseconds")
        attempts = try reader.integer("attempts")
        isAgentHeld = try reader.bool("agentHeld")
        nextAttempt = try reader.wall("nextAttempt")
        if let kind = try reader.string("failure") {
            guard let known = LeaseFailure.Class(rawValue: kind) else { throw reader.wrong("failure") }
            failure = known
        }
        deadline = try reader.stamp("deadline")
        expires = try reader.stamp("expires")
        try reader.finish()
    }

    private static var strings: [(String, WritableKeyPath<LeaseRecord, String?>)] {
        [
            ("name", \.name), ("provider", \.provider), ("handle", \.handle), ("session", \.session),
            ("task", \.task), ("owner", \.owner), ("scope", \.scope), ("parent", \.parent), ("facts", \.facts),
            ("reason", \.reason), ("message", \.message), ("verifiedBy", \.verifiedBy),
        ]
    }

    private func put(_ stamp: Stamp, _ key: String, _ fields: inout [String: Field]) {
        fields[key] = .string(stamp.wall.rfc3339)
        fields[key + "Boot"] = .integer(Int(clamping: stamp.boot.nanoseconds))
        fields[key + "BootIdentifier"] = .string(stamp.bootIdentifier)
    }
}

/// Takes fields out of a map and complains about what is left.
private struct FieldReader {
    let type: String
    var fields: [String: LeaseRecord.Field]

    func wrong(_ key: String) -> LedgerError { .unreadable("`\(type)` has a wrong `\(key)`") }

    mutating func string(_ key: String) throws(LedgerError) -> String? {
        switch fields.removeValue(forKey: key) {
        case nil: nil
        case .string(let value): value
        default: throw wrong(key)
        }
    }

    mutating func integer(_ key: String) throws(LedgerError) -> Int? {
        switch fields.removeValue(forKey: key) {
        case nil: nil
        case .integer(let value): value
        default: throw wrong(key)
        }
    }

    mutating func bool(_ key: String) throws(LedgerError) -> Bool? {
        switch fields.removeValue(forKey: key) {
        case nil: nil
        case .bool(let value): value
        default: throw wrong(key)
        }
    }

    mutating func wall(_ key: String) throws(LedgerError) -> WallInstant? {
        guard let text = try string(key) else { return nil }
        guard let instant = WallInstant(rfc3339: text) else { throw wrong(key) }
        return instant
    }

    mutating func stamp(_ key: String) throws(LedgerError) -> Stamp? {
        guard let wall = try wall(key) else { return nil }
        let boot = try requiredInteger(key + "Boot")
        guard boot >= 0 else { throw wrong(key + "Boot") }
        return Stamp(
            wall: wall,
            boot: BootInstant(nanoseconds: UInt64(boot)),
            bootIdentifier: try required(key + "BootIdentifier")
        )
    }

    mutating func required(_ key: String) throws(LedgerError) -> String {
        guard let value = try string(key) else { throw wrong(key) }
        return value
    }

    mutating func requiredInteger(_ key: String) throws(LedgerError) -> Int {
        guard let value = try integer(key) else { throw wrong(key) }
        return value
    }

    mutating func requiredStamp(_ key: String) throws(LedgerError) -> Stamp {
        guard let value = try stamp(key) else { throw wrong(key) }
        return value
    }

    func finish() throws(LedgerError) {
        if let key = fields.keys.min() { throw .unreadable("`\(type)` has an unknown field `\(key)`") }
    }
}
