// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import RemitJournal
internal import RemitKernel
internal import RemitSandbox
internal import RemitTask
internal import RemitWorkspace

/// Looks whether a task reached what it was to reach. The verify command is run elsewhere; its result is added.
struct OutcomeJudge {
    let outcome: Outcome
    let workspace: ApprovedWorkspace?
    /// Taken before the agent ran, where changes are judged.
    let before: WorkspaceSnapshot?
    /// What the session left over a workspace that it did not change itself.
    let left: LayeredChanges?

    /// The largest artifact whose digest is taken, in bytes: the supervisor must not be kept busy by a sparse file.
    static let artifactLimit: Int64 = 256 << 20

    /// How the verify command ended.
    enum Verification: Hashable {
        case exited(Int32)
        case failed(String)
    }

    func judge() -> ReceiptOutcome {
        var problems: [String] = []
        var artifacts: [ReceiptOutcome.Artifact] = []
        judgeChanges(&problems)
        for path in outcome.artifacts {
            do {
                artifacts.append(ReceiptOutcome.Artifact(path: path, digest: try digest(path)))
            } catch {
                problems.append("artifact `\(path)`: \(error)")
            }
        }
        return ReceiptOutcome(state: problems.isEmpty ? .met : .notMet, details: problems, artifacts: artifacts)
    }

    private func judgeChanges(_ problems: inout [String]) {
        guard let patterns = outcome.changed else { return }
        do {
            let strays = try changedPaths().filter { path in !patterns.contains { $0.matches(path) } }
            for path in strays.prefix(20) {
                problems.append("`\(QuotedText.of(Array(path.utf8)))` was changed and matches no pattern")
            }
            if strays.count > 20 { problems.append("\(strays.count - 20) more paths match no pattern") }
        } catch {
            problems.append("cannot compare the workspace: \(error)")
        }
    }

    private func changedPaths() throws -> [String] {
        guard let workspace else { throw SystemCallError("find a workspace", .notFound) }
        if workspace.mode == .overlay { return try (left ?? .unreadable).paths() }
        guard let before else { throw SystemCallError("find what it was before", .notFound) }
        return before.changes(to: try WorkspaceSnapshot(of: workspace.path))
    }

    private func digest(_ path: String) throws(SystemCallError) -> String {
        guard let workspace else { throw SystemCallError("find a workspace", .notFound) }
        if workspace.mode == .overlay {
            return try Self.digest((left ?? .unreadable).open(path), path)
        }
        let root = try FileSystem.open(workspace.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        let file = try FileSystem.openBeneath(path, in: root.number, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        return try Self.digest(DescriptorBox(file), path)
    }

    private static func digest(_ file: DescriptorBox, _ path: String) throws(SystemCallError) -> String {
        let facts = try FileSystem.facts(of: file.number)
        guard facts.isRegular else { throw SystemCallError("read it as a regular file", Errno(code: EINVAL)) }
        guard facts.size <= artifactLimit else { throw SystemCallError("take its digest", Errno(code: EFBIG)) }
        return try Digest.of(file: file.number, name: path)
    }
}

extension ReceiptOutcome {
    /// This outcome with what the verify command said.
    func with(_ verification: OutcomeJudge.Verification) -> ReceiptOutcome {
        var result = self
        switch verification {
        case .exited(0): return self
        case .exited(let code): result.details.append("the verify command exited with \(code)")
        case .failed(let why): result.details.append("the verify command did not run: \(why)")
        }
        result.state = .notMet
        return result
    }
}
