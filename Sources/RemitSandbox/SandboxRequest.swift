// SPDX-License-Identifier: Apache-2.0

package import RemitKernel
package import RemitTask

/// Everything a sandbox is made from, with every name already resolved.
package struct SandboxRequest: Sendable {
    package var session: String
    /// The session whose agent it is, where that is another one: both are then the same user of the host.
    package var agent: String?
    package var profile: Profile
    package var command: [String]
    package var workspace: ApprovedWorkspace?
    /// The agent's whole environment, secrets apart.
    package var environment: [String: String]
    package var limits: Limits
    package var sockets: [HostSocket]
    package var terminal: Bool
    /// A place for credential files is made.
    package var credentials: Bool
    /// Directories of the host that must not open inside: Remit's own.
    package var hidden: [String]
    /// What the agent may find in its network; `nil`: nothing.
    package var network: SandboxNetwork?
    /// What the agent may read about its session; empty: there is no such file.
    package var description: [UInt8]
    /// Calls about paths, and others that tell something, are reported although they are allowed.
    package var isObserved = false
    /// What takes the writes to a workspace of mode overlay.
    package var layers: WorkspaceLayers?

    package init(
        session: String, profile: Profile, command: [String], workspace: ApprovedWorkspace?,
        environment: [String: String], limits: Limits, sockets: [HostSocket], terminal: Bool, credentials: Bool,
        hidden: [String] = [], network: SandboxNetwork? = nil, description: [UInt8] = []
    ) {
        self.session = session
        self.profile = profile
        self.command = command
        self.workspace = workspace
        self.environment = environment
        self.limits = limits
        self.sockets = sockets
        self.terminal = terminal
        self.credentials = credentials
        self.hidden = hidden
        self.network = network
        self.description = description
    }
}

/// A workspace as the operator meant it: the resolved path, and the very directory it was when it was looked at.
package struct ApprovedWorkspace: Hashable, Sendable {
    package let path: String
    package let mode: WorkspaceMode
    package let facts: FileSystem.Facts

    /// The disk it is on, if it is on one.
    package var disk: BlockDevice? { BlockDevice(of: facts.device) }

    /// - Parameter forbidden: directories that no agent may see or be around: Remit's own, the caller's home.
    /// - Throws: ``SandboxError`` when the path is no directory, or one that would put the host at stake.
    package init(path: String, mode: WorkspaceMode, forbidden: [ForbiddenPlace] = []) throws(SandboxError) {
        self.mode = mode
        do {
            self.path = try FileSystem.resolved(path)
            facts = try FileSystem.facts(at: self.path)
        } catch {
            throw SandboxError("cannot use workspace `\(path)`: \(error.errno)")
        }
        guard facts.isDirectory else { throw SandboxError("workspace `\(path)` is not a directory") }
        let system = [
            "/", "/etc", "/usr", "/var", "/home", "/root", "/boot", "/dev", "/proc", "/sys", "/run", "/tmp", "/var/tmp",
            "/opt", "/srv", "/mnt", "/media", "/var/lib",
        ]
        let owner = Account(of: facts.owner)?.home
        let homes = forbidden.filter { !$0.isRemits }.map(\.resolved) + [owner].compactMap { $0 }
        // A home holds keys and start-up files, and so does whatever holds a home.
        if system.contains(self.path) || homes.contains(where: { Self.isWithin($0, self.path) }) {
            throw SandboxError(
                "workspace `\(self.path)` is not one bounded directory",
                hint: "name a project directory, for example `workspace: {path: ./project, mode: write}`"
            )
        }
        // Sockets below /run lead out of the sandbox: neither the network namespace nor Landlock stops them.
        for root in ["/proc", "/sys", "/dev", "/usr", "/etc", "/boot", "/run"] where self.path.hasPrefix(root + "/") {
            throw SandboxError("workspace `\(self.path)` lies in the system directory `\(root)`")
        }
        for place in forbidden where place.isRemits {
            if let other = place.overlap(with: self.path) {
                throw SandboxError(
                    "workspace `\(self.path)` and remit's own `\(other)` lie in each other",
                    hint: "the agent could change its own record: choose another workspace or state directory"
                )
            }
        }
    }

    fileprivate static func isWithin(_ path: String, _ directory: String) -> Bool {
        path == directory || path.hasPrefix(directory == "/" ? "/" : directory + "/")
    }
}

/// A directory that is no workspace.
package struct ForbiddenPlace: Hashable, Sendable {
    let path: String
    /// Holds journals, keys or configuration: nothing in it and nothing around it is a workspace either.
    let isRemits: Bool

    package static func remits(_ path: String) -> ForbiddenPlace { ForbiddenPlace(path: path, isRemits: true) }
    package static func home(_ path: String) -> ForbiddenPlace { ForbiddenPlace(path: path, isRemits: false) }

    /// The place itself, when it and `path`, which has no links, lie in each other.
    package func overlap(with path: String) -> String? {
        let own = resolved
        return ApprovedWorkspace.isWithin(path, own) || ApprovedWorkspace.isWithin(own, path) ? own : nil
    }

    /// With links resolved as far as the path exists.
    var resolved: String {
        var existing = path
        var rest: [Substring] = []
        while existing != "/", !existing.isEmpty {
            if let found = try? FileSystem.resolved(existing) {
                return ([Substring(found == "/" ? "" : found)] + rest).joined(separator: "/")
            }
            rest.insert(existing.split(separator: "/").last ?? "", at: 0)
            existing = FileSystem.parent(of: existing)
        }
        return path
    }
}
