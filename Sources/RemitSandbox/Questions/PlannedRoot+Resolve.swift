// SPDX-License-Identifier: Apache-2.0
// Walks a path as the kernel would inside, component by component, links included.

internal import RemitKernel
internal import RemitTask

extension PlannedRoot {
    /// Where a path leads inside.
    package struct Place: Sendable {
        /// What is there.
        package enum Node: Hashable, Sendable {
            case directory
            case file
            /// A device, a socket or a pipe.
            case other
            /// Nothing; its directory is there.
            case missing
            /// Nothing, and the way there ends before: at this path.
            case noWay(String)
            /// A link that leads around in circles.
            case loop
            /// It comes to be when the session runs: nobody can know now.
            case unknown
        }

        /// The path without links.
        package let path: String
        package let node: Node
        package let mount: Mount
        /// The file of the host behind it; nothing for what is the session's own.
        package let hostPath: String?
        /// Of the host's file, or of the directory that it would be made in.
        let facts: FileSystem.Facts?
        /// Mode, owner and group as the agent meets them; nothing where everything is the agent's own.
        let access: Ownership?
        /// The links that it leads through, each by its path.
        package var links: [String] = []
        /// A directory on the way that the agent may not pass.
        let closed: ClosedDirectory?
    }

    /// A directory that the agent may not pass.
    struct ClosedDirectory: Sendable {
        let path: String
        let ownership: Ownership
    }

    /// Whose a file is, and what it lets whom do.
    struct Ownership: Hashable, Sendable, CustomStringConvertible {
        let mode: UInt32
        let owner: UInt32
        let group: UInt32

        var description: String {
            let mode = String(mode, radix: 8)
            return "mode \(String(repeating: "0", count: max(0, 4 - mode.count)))\(mode), owner \(owner):\(group)"
        }

        /// Whether somebody may, see path_resolution(7): the first class that fits decides.
        func lets(_ bits: UInt32, user: UInt32, groups: Set<UInt32>) -> Bool {
            let shift: UInt32 = owner == user ? 6 : groups.contains(group) ? 3 : 0
            return mode >> shift & bits == bits
        }
    }

    /// As many links as path_resolution(7) follows.
    private static let longestChain = 40

    /// Follows a path from the root, or from the workspace where it is relative.
    package func resolve(_ path: String) -> Place {
        var queue = Array(Self.parts(path.hasPrefix("/") ? path : "/\(SandboxPlan.Path.workspace)/\(path)").reversed())
        var current = "/"
        var links: [String] = []
        func place(_ path: String, _ node: Place.Node, _ closed: ClosedDirectory?) -> Place {
            var place = self.place(path, node, closed)
            place.links = links
            return place
        }
        var closed: ClosedDirectory?
        while let part = queue.popLast() {
            if part == ".." {
                current = FileSystem.parent(of: current)
                continue
            }
            if closed == nil, let own = look(current).ownership, !lets(own, 1) {
                closed = ClosedDirectory(path: current, ownership: own)
            }
            let next = current == "/" ? "/\(part)" : "\(current)/\(part)"
            let found = look(next)
            switch found.node {
            case .link(let target):
                links.append(next)
                guard links.count <= Self.longestChain else { return place(next, .loop, closed) }
                if target.hasPrefix("/") { current = "/" }
                queue += Self.parts(target).reversed()
            case .directory: current = next
            case .missing where queue.isEmpty: return place(next, .missing, closed)
            case .unknown: return place(([next] + queue.reversed()).joined(separator: "/"), .unknown, closed)
            case .file where queue.isEmpty: return place(next, .file, closed)
            case .other where queue.isEmpty: return place(next, .other, closed)
            default: return place(([next] + queue.reversed()).joined(separator: "/"), .noWay(next), closed)
            }
        }
        return place(current, .directory, closed)
    }

    private static func parts(_ path: String) -> [String] {
        path.split(separator: "/").filter { $0 != "." }.map(String.init)
    }

    func lets(_ ownership: Ownership, _ bits: UInt32) -> Bool {
        ownership.lets(bits, user: identity.user, groups: groups)
    }

    // MARK: one entry

    private enum Kind {
        case directory, file, other, missing, unknown
        case link(String)
    }

    private struct Look {
        let node: Kind
        var host: String?
        var facts: FileSystem.Facts?
        var ownership: Ownership?
    }

    private func place(_ path: String, _ node: Place.Node, _ closed: ClosedDirectory?) -> Place {
        let at = node == .missing ? FileSystem.parent(of: path) : path
        let found = look(at)
        let mount = mount(of: at) ?? .ownRoot
        let host = host(path, mount)
        return Place(
            path: path, node: node, mount: mount, hostPath: host, facts: found.facts, access: found.ownership,
            closed: closed)
    }

    private func host(_ path: String, _ mount: Mount) -> String? {
        guard case .host(let source) = mount.content else { return nil }
        let rest = mount.target == "/" ? path : String(path.dropFirst(mount.target.count))
        return source == "/" ? rest : source + rest
    }

    /// What is at a path whose directories are known to be there.
    private func look(_ path: String) -> Look {
        guard let mount = mount(of: path) else { return Look(node: .missing) }
        switch mount.content {
        case .host:
            guard let host = host(path, mount) else { return Look(node: .missing) }
            return look(onHost: host, mount)
        case .fresh(let type):
            if isStatistic(path) {
                // Root's of the host, who is nobody inside.
                return Look(node: .file, ownership: Ownership(mode: 0o444, owner: 65_534, group: 65_534))
            }
            if path == mount.target, path != "/" { return Look(node: isTrust(path) ? .file : .directory) }
            if path == "/" || mount.target == "/" || entries[path] != nil { return look(inOwnRoot: path) }
            return Look(node: Self.look(in: type, String(path.dropFirst(mount.target.count + 1))))
        }
    }

    private func isTrust(_ path: String) -> Bool { TrustFile.allCases.contains { "/" + $0.place == path } }

    /// A file system that is empty until the session runs, or that shows what is then.
    private static func look(in type: String, _ rest: String) -> Kind {
        switch type {
        case "tmpfs": return .missing
        case "proc":
            let first = rest.split(separator: "/").first.map(String.init) ?? ""
            let isProcess = !first.isEmpty && first.allSatisfy(\.isNumber)
            // subset=pid: nothing but processes is there, see proc(5).
            return isProcess || first == "self" || first == "thread-self" ? .unknown : .missing
        default: return .unknown
        }
    }

    private func look(inOwnRoot path: String) -> Look {
        func own(_ mode: UInt32) -> Ownership {
            Ownership(mode: mode, owner: identity.user, group: identity.group)
        }
        switch entries[path] {
        case .directory(let mode): return Look(node: .directory, ownership: own(mode))
        case .file(_, let mode): return Look(node: .file, ownership: own(mode))
        case .link(let target): return Look(node: .link(target))
        case nil: return Look(node: .missing)
        }
    }

    private func look(onHost path: String, _ mount: Mount) -> Look {
        let facts: FileSystem.Facts
        do { facts = try FileSystem.facts(at: path) } catch {
            return Look(node: error.errno == .denied ? .unknown : .missing, host: path)
        }
        let isMapped = mount.owner != nil
        let ownership = Ownership(
            mode: facts.permissions & 0o777,
            owner: isMapped ? (facts.owner == mount.owner?.user ? identity.user : .max) : facts.owner,
            group: isMapped ? (facts.group == mount.owner?.group ? identity.group : .max) : facts.group)
        let kind: Kind
        if facts.isSymbolicLink {
            guard let target = try? FileSystem.linkTarget(path, in: FileSystem.currentDirectory) else {
                return Look(node: .unknown, host: path)
            }
            kind = .link(target)
        } else {
            kind = facts.isDirectory ? .directory : facts.isRegular ? .file : .other
        }
        return Look(node: kind, host: path, facts: facts, ownership: ownership)
    }
}
