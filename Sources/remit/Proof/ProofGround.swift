// SPDX-License-Identifier: Apache-2.0
// Where a proof is made: a directory of its own with a workspace, a state of Remit's, and canaries around it.

internal import RemitKernel
internal import RemitSession

/// Everything a proof makes on the host, and takes away again.
final class ProofGround {
    let base: String
    private(set) var canaries: [Canary] = []

    var workspace: String { "\(base)/workspace" }
    var state: String { "\(base)/state" }
    var runtime: String { "\(base)/run" }

    /// - Throws: ``SystemCallError``; nothing is left behind then.
    init(_ program: ProbeProgram, _ environment: [String: String]) throws(SystemCallError) {
        // A control socket's path has 107 bytes at most.
        let temporary = environment["TMPDIR"].flatMap { $0.hasPrefix("/") && $0.utf8.count < 40 ? $0 : nil } ?? "/tmp"
        base = "\(try FileSystem.resolved(temporary))/remit-prove-\(Random.identifier(8))"
        do throws(SystemCallError) {
            try make(program)
        } catch {
            remove()
            throw error
        }
    }

    private func make(_ program: ProbeProgram) throws(SystemCallError) {
        // Open to everybody: permissions are not what has to keep the agent away.
        try FileSystem.makeDirectory(base, mode: 0o755)
        try FileSystem.makeDirectory(workspace, mode: 0o755)
        try FileSystem.copy(program.path, to: "\(workspace)/remit-probe", mode: 0o755, limit: 64 << 20)
        var user = CurrentProcess.userID
        var group = CurrentProcess.groupID
        if CurrentProcess.isRoot {
            // Of the range that Remit's own agents come from. The workspace is theirs, so that no id map is needed.
            user = 61_184 + UInt32.random(in: 0..<4_336)
            group = user
            for path in [workspace, "\(workspace)/remit-probe"] {
                try FileSystem.setOwner(of: path, user: user, group: group)
            }
        }
        let token = Random.identifier(16)
        try FileSystem.makeDirectory("\(base)/canaries", mode: 0o777)
        canaries.append(try .file(at: "\(base)/canaries/secret", "canary-\(token)\n"))
        canaries.append(try .port(datagrams: false))
        canaries.append(try .port(datagrams: true))
        canaries.append(try .abstract("remit-canary-\(token)"))
        canaries.append(try .socket(at: "\(base)/canaries/socket"))
        // The agent's own user: that it is somebody else's is not what has to stop it.
        canaries.append(try .process(user: user, group: group))
    }

    /// What became of each canary; `nil`: nothing.
    func touches() -> [(name: String, touch: String?)] {
        canaries.map { canary in
            do { return (canary.name, try canary.touch()) } catch { return (canary.name, "cannot be asked: \(error)") }
        }
    }

    /// Takes everything away.
    ///
    /// - Returns: whether nothing is left.
    @discardableResult
    func remove() -> Bool {
        for canary in canaries { canary.remove() }
        canaries = []
        do {
            try FileSystem.removeTree(base)
        } catch {
            return error.errno == .notFound
        }
        return true
    }
}
