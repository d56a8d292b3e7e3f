// SPDX-License-Identifier: Apache-2.0
// From the audit log's records to the refusals of one session. Pure: records are text, and most of them are of others.

package import RemitKernel

/// What Landlock refused, by the kernel's own word.
package struct LandlockRefusal: Hashable, Sendable {
    /// The rights that were missing, as the kernel calls them: `fs.read_file`, `scope.signal`.
    package let blockers: [String]
    /// The path inside, where it was about one.
    package let path: String?

    package init(blockers: [String], path: String?) {
        self.blockers = blockers
        self.path = path
    }

    /// What was tried with the path.
    package var act: ObservedAct {
        for blocker in blockers {
            switch blocker {
            case "fs.execute": return .execute
            case "fs.read_file", "fs.read_dir": return .read
            case "fs.remove_file", "fs.remove_dir": return .remove
            case "fs.ioctl_dev": return .change
            case let name where name.hasPrefix("fs.make_"): return .make
            default: continue
            }
        }
        return .write
    }
}

/// Finds one session's refusals among the records of a host.
///
/// A domain says by whom it was made once, with its first refusal: until then its records wait. A session's own domain is
/// made by its pid 1, so that domains which an agent makes for itself are not taken for the session's.
package struct LandlockAudit: Sendable {
    /// Different refusals that are kept; records that wait for their domain's.
    private static let limit = 256

    private let maker: Int32
    private let expected: Set<String>
    private var isExpected: Set<String> = []
    private var own: UInt64?
    private var waiting: [(domain: UInt64, refusal: LandlockRefusal)] = []
    /// How often each was refused.
    package private(set) var counts: [LandlockRefusal: Int] = [:]
    /// Refusals beyond those that are kept.
    package private(set) var lost = 0
    /// The session's domain is gone, and no record of it can come any more.
    package private(set) var isOver = false

    /// - Parameters:
    ///   - maker: the pid of the session's first process, as the host counts.
    ///   - expected: paths that the launch itself tries once, and must be refused.
    package init(maker: Int32, expected: Set<String>) {
        self.maker = maker
        self.expected = expected
    }

    /// Takes one record.
    ///
    /// - Returns: the refusals that are new by it, each once.
    package mutating func take(_ record: AuditLog.Record) -> [LandlockRefusal] {
        let fields = Self.fields(record.text)
        guard let domain = fields["domain"].flatMap({ UInt64($0, radix: 16) }) else { return [] }
        if record.type == AuditLog.domain { return take(domain, fields) }
        guard record.type == AuditLog.access, let blockers = fields["blockers"] else { return [] }
        let refusal = LandlockRefusal(
            blockers: blockers.split(separator: ",").map(String.init), path: fields["path"].flatMap(Self.text))
        if domain == own { return count(refusal) ? [refusal] : [] }
        if own == nil {
            // Somebody else's flood must not grow this; the oldest has waited longest for nothing.
            if waiting.count == Self.limit { waiting.removeFirst() }
            waiting.append((domain, refusal))
        }
        return []
    }

    private mutating func take(_ domain: UInt64, _ fields: [String: Substring]) -> [LandlockRefusal] {
        if domain == own, fields["status"] == "deallocated" { isOver = true }
        guard own == nil, fields["status"] == "allocated" else { return [] }
        let found = waiting.filter { $0.domain == domain }.map(\.refusal)
        waiting.removeAll { $0.domain == domain }
        guard fields["pid"].flatMap({ Int32($0) }) == maker else { return [] }
        own = domain
        waiting = []
        return found.filter { count($0) }
    }

    /// Whether it is the first of its kind.
    private mutating func count(_ refusal: LandlockRefusal) -> Bool {
        if let path = refusal.path, expected.contains(path), isExpected.insert(path).inserted { return false }
        if let before = counts[refusal] {
            counts[refusal] = before + 1
            return false
        }
        guard counts.count < Self.limit else {
            lost += 1
            return false
        }
        counts[refusal] = 1
        return true
    }

    // MARK: text

    /// The `name=value` pairs. What an agent has chosen has no space in it: the kernel writes it in hexadecimal then.
    private static func fields(_ text: String) -> [String: Substring] {
        let pairs = text.split(separator: " ").compactMap { word -> (String, Substring)? in
            guard let equals = word.firstIndex(of: "=") else { return nil }
            return (String(word[..<equals]), word[word.index(after: equals)...])
        }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    /// A text that the kernel does not trust: in quotation marks, or in hexadecimal where it holds anything unusual.
    private static func text(_ value: Substring) -> String? {
        if value.hasPrefix("\""), value.hasSuffix("\""), value.utf8.count > 1 {
            return String(value.dropFirst().dropLast())
        }
        let digits = Array(value.utf8)
        guard !digits.isEmpty, digits.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            let pair = String(decoding: digits[index...index + 1], as: UTF8.self)
            guard let byte = UInt8(pair, radix: 16) else { return nil }
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
