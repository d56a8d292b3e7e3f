// SPDX-License-Identifier: Apache-2.0

/// Why a message with secrets at stake cannot be passed on: what is not understood is not searched.
package enum ScrubError: Error, Equatable, CustomStringConvertible {
    /// A content coding that cannot be undone here.
    case unknownCoding(String)
    /// So many codings on top of each other.
    case tooManyCodings(Int)
    /// A part of a coded whole, which cannot be decoded alone.
    case partOfCoded
    /// The body is not what its coding says.
    case malformed(ContentCoding)
    /// The body ended within its coding.
    case truncated(ContentCoding)

    package var description: String {
        switch self {
        case .unknownCoding(let name): "content coding `\(name)` cannot be searched for secrets"
        case .tooManyCodings(let count): "\(count) content codings are too many: at most \(ContentCoding.deepest)"
        case .partOfCoded: "a part of a coded body cannot be searched for secrets"
        case .malformed(let coding): "the body is not `\(coding.rawValue)`"
        case .truncated(let coding): "the body ends within its coding `\(coding.rawValue)`"
        }
    }
}
