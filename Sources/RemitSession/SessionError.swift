// SPDX-License-Identifier: Apache-2.0

/// Why a session could not be had, or could not be found.
package struct SessionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which exit code of `remit run` it is.
    package enum Kind: Hashable, Sendable {
        /// Refused before anything was started: 126.
        case refused
        /// Remit itself failed: 125.
        case failed
        /// A mistake in what was typed or written: 64.
        case usage
    }

    package let kind: Kind
    package let description: String
    package let hint: String?

    package init(_ kind: Kind, _ description: String, hint: String? = nil) {
        self.kind = kind
        self.description = description
        self.hint = hint
    }

    package var exitCode: Int32 {
        switch kind {
        case .refused: 126
        case .failed: 125
        case .usage: 64
        }
    }
}
