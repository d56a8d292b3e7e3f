// SPDX-License-Identifier: Apache-2.0

/// Why values cannot be looked for.
package enum PatternError: Error, Equatable, CustomStringConvertible {
    /// So many bytes only.
    case tooShort(Int)
    /// So many bytes.
    case tooLong(Int)
    /// The value has an empty line or a zero byte.
    case emptyLine
    /// So many values.
    case tooMany(Int)

    package var description: String {
        switch self {
        case .tooShort(let count):
            "a secret of \(count) bytes is too short to be recognised: at least \(PatternSet.shortestValue)"
        case .tooLong(let count): "a secret of \(count) bytes is too long: at most \(PatternSet.longestValue)"
        case .emptyLine: "a secret has an empty line or a zero byte within"
        case .tooMany(let count): "\(count) secrets are too many for one session: at most \(PatternSet.mostValues)"
        }
    }
}
