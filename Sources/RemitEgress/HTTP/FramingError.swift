// SPDX-License-Identifier: Apache-2.0

/// Why a message was refused before anyone asked what it says: two readers could disagree on where it ends, or on what it
/// is. The raw value is what records and the answer's body call it.
package enum FramingError: String, Error, Sendable, CaseIterable {
    case bareLineFeed = "bare-line-feed"
    case bareCarriageReturn = "bare-carriage-return"
    case nul = "nul"
    case headTooLarge = "head-too-large"
    case targetTooLong = "target-too-long"
    case tooManyFields = "too-many-fields"
    case malformedStartLine = "malformed-start-line"
    case unsupportedVersion = "unsupported-version"
    case malformedField = "malformed-field"
    case foldedField = "folded-field"
    case lookalikeField = "lookalike-field"
    case invalidLength = "invalid-length"
    case repeatedLength = "repeated-length"
    case lengthAndEncoding = "length-and-encoding"
    case unsupportedEncoding = "unsupported-encoding"
    case malformedChunk = "malformed-chunk"
    case malformedTrailer = "malformed-trailer"
    case missingHost = "missing-host"
    case repeatedHost = "repeated-host"
    case malformedHost = "malformed-host"
    case malformedTarget = "malformed-target"
    case targetMismatch = "target-mismatch"
    case protectedConnectionOption = "protected-connection-option"
    case protocolSwitch = "protocol-switch"
    case unsupportedMethod = "unsupported-method"
    case unsupportedExpectation = "unsupported-expectation"
    case truncated = "truncated"
    case unexpectedSwitch = "unexpected-switch"

    /// The status a request with this fault is answered with.
    package var status: Int {
        switch self {
        case .headTooLarge, .tooManyFields: 431
        case .targetTooLong: 414
        case .unsupportedVersion: 505
        case .unsupportedExpectation: 417
        case .unsupportedEncoding, .unsupportedMethod: 501
        default: 400
        }
    }
}
