// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// One call, as the supervisor sends it.
struct Request: Decodable {
    enum Operation: String, Decodable {
        case issue, renew, revoke, probe, list
    }

    let version: String
    let operation: Operation
    let settings: Settings
    let handle: String
    let session: String
    let task: String
    let owner: String
    let scope: [String: Words]?
    let notAfter: String?

    private enum CodingKeys: String, CodingKey {
        case version = "protocol"
        case operation, settings, handle, session, task, owner, scope, notAfter
    }

    /// - Throws: ``Failure`` for what is not a request of this protocol.
    static func decode(_ bytes: [UInt8]?) throws(Failure) -> Request {
        guard let bytes else { throw Failure(.permanent, "the request is too long or cannot be read") }
        let request: Request
        do {
            request = try JSONDecoder().decode(Request.self, from: Data(bytes))
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(.permanent, "the request cannot be understood: \(Self.place(of: error))")
        }
        guard request.version == "remit-provider/v1" else {
            throw Failure(.permanent, "the protocol `\(request.version.prefix(40))` is not `remit-provider/v1`")
        }
        return request
    }

    /// Where decoding failed; never what was there, which may be a password.
    private static func place(of error: any Error) -> String {
        let context: DecodingError.Context
        switch error as? DecodingError {
        case .typeMismatch(_, let found), .valueNotFound(_, let found), .dataCorrupted(let found): context = found
        case .keyNotFound(let key, _): return "`\(key.stringValue)` is missing"
        default: return "it is not JSON"
        }
        let path = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
        return path.isEmpty ? "it is not a JSON object of the right shape" : "`\(path)` is wrong"
    }
}

/// A word, or a list of words.
struct Words: Decodable {
    let words: [String]

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let word = try? container.decode(String.self) {
            words = [word]
        } else {
            words = try container.decode([String].self)
        }
    }
}
