// SPDX-License-Identifier: Apache-2.0

/// Why a line between supervisor and gate was refused. It never repeats what the line held.
package enum GateCodecError: Error, Hashable, Sendable {
    /// The line is longer than the protocol allows.
    case tooLong
    /// It is not JSON: where, and why.
    case syntax(offset: Int, reason: String)
    /// The value at a path is missing, or not what it must be.
    case value(path: String)
    /// More, or fewer, descriptors came than the command names.
    case descriptors
}

extension GateCodecError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLong: "the line is too long"
        case .syntax(let offset, let reason): "byte \(offset): \(reason)"
        case .value(let path): "`\(path)` is missing, or not what it must be"
        case .descriptors: "the descriptors are not those that the command names"
        }
    }
}
