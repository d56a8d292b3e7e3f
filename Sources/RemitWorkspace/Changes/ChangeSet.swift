// SPDX-License-Identifier: Apache-2.0

package import RemitKernel
package import RemitTask

/// Everything that a session left otherwise than its workspace has it, sorted by path.
package struct ChangeSet: Sendable {
    package private(set) var changes: [Change]
    /// What the whole layer comes to: taken in the same walk, so that a large one is read once.
    package let layer: LayerDigest

    /// The most paths that are listed: a change beyond it is nothing that anybody reviews.
    package static let limit = 500_000

    /// Compares the layer of a session whose processes are gone with the workspace.
    ///
    /// - Parameters:
    ///   - upper: the layer, open.
    ///   - workspace: open; what it has now, not what it had when the session began.
    ///   - reserved: the beginning of names that are ours while a change is applied.
    /// - Throws: what keeps the layer or the workspace from being read at all; more than ``limit`` paths are EFBIG.
    package init(upper: CInt, workspace: CInt, reserved: EntryName) throws {
        var walk = ChangeWalk(reserved: reserved)
        try walk.walk(upper: upper, workspace: workspace)
        changes = walk.changes.sorted { $0.path < $1.path }
        layer = walk.layer
    }

    /// How many there are of each kind.
    package var counts: [Change.Kind: Int] { changes.reduce(into: [:]) { $0[$1.kind, default: 0] += 1 } }

    package var isEmpty: Bool { changes.isEmpty }

    /// Notes what the task did not allow to be changed.
    package mutating func judge(allowed patterns: [PathPattern]?) {
        guard let patterns else { return }
        for index in changes.indices {
            let path = String(decoding: changes[index].path.bytes, as: UTF8.self)
            guard !patterns.contains(where: { $0.matches(path) }) else { continue }
            changes[index].concerns.append(
                Concern(.guarded, "outcome", "the task's outcome does not allow it to be changed"))
        }
    }

    /// Notes where the workspace is not what it was when the session began.
    package mutating func judge(since base: BaseSnapshot?) {
        for index in changes.indices {
            guard let base else {
                changes[index].concerns.append(
                    Concern(.guarded, "conflict", "nothing says what the workspace was when the session began"))
                continue
            }
            guard let reason = base.conflict(with: changes[index]) else { continue }
            changes[index].concerns.append(Concern(.guarded, "conflict", reason))
        }
    }

    /// Notes what the host would execute later on: for whoever reviews, so that no session waits for it at its end.
    package mutating func judgeExecution(in view: MergedView) {
        for index in changes.indices {
            changes[index].concerns += HostExecution.concerns(about: changes[index], in: view)
        }
    }
}
