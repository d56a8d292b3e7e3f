// SPDX-License-Identifier: Apache-2.0

/// Why a request that is signed with placeholders is not signed again.
enum SigV4Error: Error, Equatable, CustomStringConvertible {
    /// The signature is not of the placeholders: somebody else's, or of another request.
    case mismatch
    /// The binding is not for this service in this region.
    case scope(service: String, region: String)
    /// A signed field is missing.
    case missing(String)
    /// The session token is not the placeholder for it.
    case token
    /// A kind of payload that cannot be signed here.
    case payload(String)
    /// The body is not made of signed chunks.
    case chunks
    /// A chunk of so many bytes.
    case chunkTooLong(Int)

    var description: String {
        switch self {
        case .mismatch: "the signature is not one of the placeholder keys over this request"
        case .scope(let service, let region): "the keys are not bound to service `\(service)` in region `\(region)`"
        case .missing(let name): "the signed field `\(name)` is missing"
        case .token: "the session token is not the placeholder for it"
        case .payload(let kind): "a payload `\(kind)` cannot be signed again"
        case .chunks: "the body is not made of chunks that the placeholder keys signed"
        case .chunkTooLong(let count):
            "a signed chunk of \(count) bytes is too long: at most \(AWSChunkSigner.longestChunk)"
        }
    }
}
