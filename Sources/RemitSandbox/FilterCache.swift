// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel
internal import RemitTask

/// Compiled system-call filters, kept until the next boot: libseccomp takes milliseconds for one.
///
/// A filter is found again by everything it depends on: the very program that compiled it, and the profile's changes.
/// The directory is this user's alone and never part of a workspace.
package struct FilterCache: Sendable {
    private let directory: String

    /// - Parameter directory: made when it is missing.
    package init(directory: String) { self.directory = directory }

    func filter(
        for changes: ProfileSystemCalls,
        notify: Bool,
        compile: () throws(SandboxError) -> [UInt8]
    ) throws(SandboxError) -> [UInt8] {
        guard let path = path(changes, notify) else { return try compile() }
        if let known = read(path) { return known }
        let filter = try compile()
        try? FileSystem.makeDirectories(directory)
        try? FileSystem.replace(path, with: filter + Self.checksum(filter), mode: 0o600)
        return filter
    }

    private func path(_ changes: ProfileSystemCalls, _ notify: Bool) -> String? {
        guard let program = try? FileSystem.facts(following: "/proc/self/exe") else { return nil }
        let parts = ["\(program.device) \(program.inode) \(program.size) \(program.modified) \(program.changed) \(notify)"]
        let key = parts + changes.allow + ["-"] + changes.deny
        let name = Self.checksum(Array(key.joined(separator: "\n").utf8)).map { String($0, radix: 16) }.joined()
        return "\(directory)/filter-\(name)"
    }

    /// A file that is not exactly what was written is compiled anew.
    private func read(_ path: String) -> [UInt8]? {
        guard let file = try? FileSystem.open(path, FileSystem.noFollow),
            let facts = try? FileSystem.facts(of: file.number), facts.isRegular, facts.permissions == 0o600,
            facts.owner == CurrentProcess.userID,
            let bytes = try? FileSystem.readAll(file.number, limit: 1 << 20, name: path), bytes.count > 8
        else { return nil }
        let filter = Array(bytes.dropLast(8))
        return filter.count % 8 == 0 && Self.checksum(filter) == Array(bytes.suffix(8)) ? filter : nil
    }

    /// FNV-1a: against accidents; against people there are the directory's mode and owner.
    private static func checksum(_ bytes: [UInt8]) -> [UInt8] {
        let hash = bytes.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return (0..<8).map { UInt8(truncatingIfNeeded: hash >> (8 * $0)) }
    }
}
