// SPDX-License-Identifier: Apache-2.0
// Whether the host has something that an agent looked for. The path is the agent's word: to follow it anywhere would let
// an agent make the supervisor wait for a file server that does not answer, or mount what nobody asked for.

internal import RemitKernel

/// Looks on the host without crossing into another file system than the one that a known directory is on.
struct HostGlance {
    /// The caller's home.
    let home: String?

    private static let places: Set<String> = [
        "bin", "boot", "dev", "etc", "lib", "lib64", "opt", "proc", "root", "run", "sbin", "srv", "sys", "usr", "var",
    ]

    /// Whether there is something at an absolute path; no for whatever cannot be found out without going further.
    func has(_ path: String) -> Bool {
        if let home, home != "/", path.hasPrefix(home + "/") {
            return look(String(path.dropFirst(home.utf8.count + 1)), in: home)
        }
        let parts = path.split(separator: "/", maxSplits: 1).map(String.init)
        guard let first = parts.first, Self.places.contains(first) else { return false }
        return parts.count == 1 ? true : look(parts[1], in: "/" + first)
    }

    private func look(_ rest: String, in directory: String) -> Bool {
        guard let base = try? FileSystem.openPath(directory) else { return false }
        return FileSystem.isWithinReach(rest, of: base.number)
    }
}
