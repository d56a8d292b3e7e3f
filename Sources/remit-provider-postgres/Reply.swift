// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// What goes back.
enum Reply {
    case issued(content: String, expiresAt: String, describe: [String: String])
    case renewed(expiresAt: String)
    case revoked
    case found(isGone: Bool)
    case listed([String])
    case failed(Failure)

    private struct Body: Encodable {
        var ok = true
        var content: String?
        var expiresAt: String?
        var describe: [String: String]?
        var finding: String?
        var handles: [String]?
        var `class`: Failure.Kind?
        var message: String?
    }

    /// One JSON object and a line feed.
    var json: [UInt8] {
        var body = Body()
        switch self {
        case .issued(let content, let expiresAt, let describe):
            (body.content, body.expiresAt, body.describe) = (content, expiresAt, describe)
        case .renewed(let expiresAt): body.expiresAt = expiresAt
        case .revoked: break
        case .found(let isGone): body.finding = isGone ? "gone" : "present"
        case .listed(let handles): body.handles = handles
        case .failed(let failure):
            (body.ok, body.class, body.message) = (false, failure.kind, failure.message)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings and a boolean always encode; were it otherwise, an empty reply is a failed call.
        return ((try? encoder.encode(body)).map(Array.init) ?? []) + [UInt8(ascii: "\n")]
    }
}
