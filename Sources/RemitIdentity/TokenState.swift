// SPDX-License-Identifier: Apache-2.0

/// Where a token is in its life; the later two are final.
package enum TokenState: String, Hashable, Sendable {
    /// It counts.
    case active
    /// It was taken back.
    case revoked
    /// Its time is over.
    case expired
}
