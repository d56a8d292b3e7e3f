// SPDX-License-Identifier: Apache-2.0

/// The one directory of the host that a task works in.
package struct Workspace: Hashable, Sendable, Codable {
    /// The path as written: absolute, or relative to the folder of the task file.
    package var path: String
    /// Whether the task may change it, and when a change counts.
    package var mode: WorkspaceMode

    /// Makes a workspace, read-only unless said otherwise.
    package init(path: String, mode: WorkspaceMode = .read) {
        self.path = path
        self.mode = mode
    }
}
