// SPDX-License-Identifier: Apache-2.0
// The profile under which a command is observed: more of the host than a profile should show, and nothing of the floor.

internal import RemitKernel
package import RemitTask

/// A profile to learn under, as text.
package struct ProfileSchool: Sendable {
    /// What it is called while it is used; no file has it.
    package static let name = "learning"

    /// The profile as a file would have it.
    package let text: String

    /// - Parameters:
    ///   - base: what it extends.
    ///   - binds: further directories of the host, resolved.
    /// - Throws: ``SandboxError`` for a directory that must not be shown.
    package init(base: Profile, binds: [String], home: String?) throws(SandboxError) {
        for path in binds {
            if path != "/", !SecretPlaces.isTouched(by: path, home: home) { continue }
            throw SandboxError(
                "`\(path)` holds, or lies in, what no session is shown",
                hint: SecretPlaces.reason(path, home: home) ?? "name a directory without it")
        }
        let taken =
            base.filesystem.binds.map(\.target) + base.filesystem.links.keys + base.filesystem.installations.values
        let places = ["/opt", "/nix"].filter { place in
            FileSystem.exists(place) && !taken.contains(place) && !taken.contains { $0.hasPrefix(place + "/") }
        }
        let own = binds.filter { path in !taken.contains { ProfileLesson.isWithin(path, $0) } }
        var lines = ["apiVersion: remit/v1", "kind: Profile", "name: \(Self.name)", "extends: \(base.name)"]
        if !(places + own).isEmpty {
            lines += ["filesystem:", "  binds:"]
            lines += (places + own).map { "    - {source: \(Remedy.quoted($0)), required: false}" }
        }
        let copies = Self.readable(besides: base, home: home)
        if !copies.isEmpty { lines += ["etc:", "  copy:"] + copies.map { "    - \(Remedy.quoted($0))" } }
        text = lines.joined(separator: "\n") + "\n"
    }

    /// What of the host's /etc everybody may read anyway, without what is the session's own and what is on the floor.
    private static func readable(besides base: Profile, home: String?) -> [String] {
        let own: Set<String> = ["passwd", "group", "hostname", "hosts", "nsswitch.conf", "resolv.conf", "mtab"]
        return ((try? FileSystem.names(in: "/etc")) ?? []).filter { name in
            let path = "/etc/\(name)"
            guard !own.contains(name), base.etc.files[name] == nil, EtcPath.isValid(path) else { return false }
            if base.etc.files.keys.contains(where: { $0.hasPrefix(name + "/") }) { return false }
            if base.etc.copy.contains(where: { ProfileLesson.isWithin($0, path) }) { return false }
            if SecretPlaces.isTouched(by: path, home: home) { return false }
            guard let resolved = try? FileSystem.resolved(path), let facts = try? FileSystem.facts(at: resolved) else {
                return false
            }
            // A link may lead anywhere; only what it shows of /etc and /usr is shown.
            guard resolved.hasPrefix("/etc/") || resolved.hasPrefix("/usr/"),
                !SecretPlaces.isTouched(by: resolved, home: home)
            else { return false }
            let needed: UInt32 = facts.isDirectory ? 0o005 : 0o004
            return (facts.isDirectory || facts.isRegular) && facts.permissions & needed == needed
        }.map { "/etc/\($0)" }
    }
}
