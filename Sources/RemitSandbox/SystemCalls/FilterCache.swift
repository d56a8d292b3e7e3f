// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel
internal import RemitTask

/// Compiled system-call filters, kept until the next boot: libseccomp takes milliseconds for one.
///
/// A filter is found again by everything it depends on: the very program that compiled it, which holds the table, the
/// library that did, the architecture, and the profile's changes. The file's name is a digest of that; it is in the file
/// as well, and compared.
/// The directory is this user's alone and never part of a workspace.
package struct FilterCache: Sendable {
    private let directory: String

    /// - Parameter directory: made when it is missing.
    package init(directory: String) { self.directory = directory }

    func filter(
        for changes: ProfileSystemCalls,
        origins: [String: Origin] = [:],
        notify: Bool,
        observes: Bool = false,
        stage: Int = 0,
        compile: () throws(SandboxError) -> [UInt8]
    ) throws(SandboxError) -> [UInt8] {
        // Before anything is looked up: a stored filter must not open what a profile may not.
        try SystemCallTable.check(changes, origins: origins)
        guard let key = key(changes, notify, observes, stage) else { return try compile() }
        let path =
            "\(directory)/filter-" + Self.checksum(key).map { String(Int($0) + 256, radix: 16).dropFirst() }.joined()
        if let known = read(path, key) { return known }
        let filter = try compile()
        try? FileSystem.makeDirectories(directory)
        try? FileSystem.replace(path, with: key + filter + Self.checksum(key + filter), mode: 0o600)
        return filter
    }

    /// Everything a filter depends on, as bytes that end in a zero.
    private func key(_ changes: ProfileSystemCalls, _ notify: Bool, _ observes: Bool, _ stage: Int) -> [UInt8]? {
        guard let program = try? FileSystem.facts(following: "/proc/self/exe") else { return nil }
        let parts = [
            "\(program.device) \(program.inode) \(program.size) \(program.modified) \(program.changed) \(notify) \(observes) \(stage)",
            "libseccomp \(SystemCallNumbers.libraryVersion) \(FilterProgram.nativeArchitecture)",
            changes.allow.joined(separator: " "), changes.deny.joined(separator: " "),
        ]
        // A word that ended a part of the key would make it another's.
        guard (changes.allow + changes.deny).allSatisfy({ $0.utf8.allSatisfy { $0 > 0x20 } }) else { return nil }
        return Array(parts.joined(separator: "\n").utf8) + [0]
    }

    /// A file that is not exactly what was written for this key is compiled anew.
    private func read(_ path: String, _ key: [UInt8]) -> [UInt8]? {
        guard let file = try? FileSystem.open(path, FileSystem.noFollow),
            let facts = try? FileSystem.facts(of: file.number), facts.isRegular, facts.permissions == 0o600,
            facts.owner == CurrentProcess.userID,
            let bytes = try? FileSystem.readAll(file.number, limit: 1 << 20, name: path),
            bytes.count > key.count + 8, bytes.starts(with: key),
            Self.checksum(Array(bytes.dropLast(8))) == Array(bytes.suffix(8))
        else { return nil }
        let filter = Array(bytes[key.count..<bytes.count - 8])
        return filter.count % 8 == 0 ? filter : nil
    }

    /// FNV-1a: against accidents; against people there are the directory's mode and owner.
    private static func checksum(_ bytes: [UInt8]) -> [UInt8] {
        let hash = bytes.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return (0..<8).map { UInt8(truncatingIfNeeded: hash >> (8 * $0)) }
    }
}
