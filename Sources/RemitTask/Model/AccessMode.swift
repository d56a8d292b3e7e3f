// SPDX-License-Identifier: Apache-2.0

/// Whether a directory may be changed from within a session.
package enum AccessMode: String, Hashable, Sendable, Codable, CaseIterable {
    /// Bound read-only.
    case read
    /// Bound writable.
    case write
}
