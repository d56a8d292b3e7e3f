// SPDX-License-Identifier: Apache-2.0
// Programs that are installed outside the binds of a profile, where the caller's search path finds them: toolchains
// unpacked into /opt or a home, as swift.org, nodejs.org, nvm and SDKMAN do.

internal import RemitKernel
package import RemitTask

extension Profile {
    /// This profile with a read-only bind for every installation that the caller has and that no bind shows already.
    ///
    /// An installation is what holds the `bin` directory of the program that the caller's search path leads to, links
    /// followed. One that holds more than programs is left out: the root, a home or what holds it, a hidden directory
    /// directly in a home (`~/.local`, `~/.cargo`), which has keys and tokens beside its `bin`. So is, for root, one that
    /// not everybody may reach; the search path is followed on.
    ///
    /// - Parameter caller: the caller's environment.
    package func withInstallations(of caller: [String: String]) -> Profile {
        guard !filesystem.installations.isEmpty else { return self }
        var profile = self
        let homes = Self.homes(of: caller)
        for (program, target) in filesystem.installations.sorted(by: { $0.key < $1.key }) {
            guard !profile.filesystem.binds.contains(where: { $0.target == target }),
                let prefix = Self.prefix(of: program, on: caller["PATH"] ?? "", homes: homes),
                !profile.filesystem.binds.contains(where: { AbsolutePath.isWithin(prefix, $0.source) })
            else { continue }
            profile.filesystem.binds.append(Bind(source: prefix, target: target))
            profile.origins["filesystem.binds.\(target)"] = origins["filesystem.installations.\(program)"]
        }
        return profile
    }

    /// Our home and the one the caller names, each as it is written and as it is.
    private static func homes(of caller: [String: String]) -> Set<String> {
        let written = [CurrentProcess.account?.home, caller["HOME"]].compactMap { $0 }
        return Set(written + written.compactMap { try? FileSystem.resolved($0) })
    }

    /// Whether the caller has a program that no bind shows, in an installation that may be bound.
    package func hasOutside(_ program: String, of caller: [String: String]) -> Bool {
        let homes = Self.homes(of: caller)
        guard let prefix = Self.prefix(of: program, on: caller["PATH"] ?? "", homes: homes) else { return false }
        return !filesystem.binds.contains { AbsolutePath.isWithin(prefix, $0.source) }
    }

    private static func prefix(of program: String, on path: String, homes: Set<String>) -> String? {
        for directory in path.split(separator: ":") where directory.hasPrefix("/") {
            guard let found = try? FileSystem.resolved("\(directory)/\(program)"),
                let facts = try? FileSystem.facts(at: found), facts.isRegular, facts.permissions & 0o111 != 0
            else { continue }
            let directory = FileSystem.parent(of: found)
            let prefix = FileSystem.parent(of: directory)
            let owner = [Account(of: facts.owner)?.home].compactMap { $0 }
            guard !CurrentProcess.isRoot || isOpen(prefix) else { continue }
            if directory.hasSuffix("/bin"), isInstallation(prefix, homes.union(owner)) { return prefix }
        }
        return nil
    }

    /// Whether everybody may reach and read a directory. Root's agents are somebody else, who would not find what lies
    /// in root's own home, and whom nobody gave leave to look into it.
    private static func isOpen(_ path: String) -> Bool {
        var place = path
        var wanted: UInt32 = 0o005
        while let facts = try? FileSystem.facts(at: place), facts.permissions & wanted == wanted {
            if place == "/" { return true }
            place = FileSystem.parent(of: place)
            wanted = 0o001
        }
        return false
    }

    /// Whether a directory is one of programs, and not one that merely has some.
    static func isInstallation(_ prefix: String, _ homes: Set<String>) -> Bool {
        // Directly below the root is the system, and what everybody keeps there.
        guard prefix.utf8.count(where: { $0 == UInt8(ascii: "/") }) > 1,
            !["/proc", "/dev", "/sys", "/etc", "/run"].contains(where: { AbsolutePath.isWithin(prefix, $0) })
        else { return false }
        return homes.allSatisfy { home in
            let isHidden = FileSystem.parent(of: prefix) == home && prefix.dropFirst(home.count + 1).hasPrefix(".")
            return !AbsolutePath.isWithin(home, prefix) && !isHidden
        }
    }
}

extension Profile {
    /// Whether a session under it finds a program on its search path, as far as the host can tell.
    package func hasProgram(_ name: String) -> Bool {
        let path = environment.set["PATH"] ?? "/usr/bin:/bin"
        return path.split(separator: ":").contains { directory in
            guard let place = filesystem.hostPath(of: "\(directory)/\(name)"),
                let facts = try? FileSystem.facts(following: place)
            else { return false }
            return facts.isRegular && facts.permissions & 0o111 != 0
        }
    }
}
