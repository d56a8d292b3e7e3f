// SPDX-License-Identifier: Apache-2.0

/// What becomes of what a session does in its workspace.
package enum WorkspaceMode: String, Hashable, Sendable, Codable, CaseIterable {
    /// Nothing can be done in it: bound read-only.
    case read
    /// It is changed at once: bound writable.
    case write
    /// It stays as it is until somebody has looked at the change and applied it: a layer above it takes every write.
    case overlay
}
