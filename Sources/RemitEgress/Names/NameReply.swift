// SPDX-License-Identifier: Apache-2.0

/// What the name server says to a question. Every reply fits into the 512 bytes that a datagram may have without EDNS, so
/// that none has to be cut off.
package enum NameReply: Hashable, Sendable {
    /// The addresses of one version, 4 or 16 bytes each; none says that the name exists and has no such records.
    case addresses([[UInt8]])
    /// No such name. What refuses a name says this, so that a client neither asks again nor waits.
    case noSuchName(Reason?)
    case refused(Reason?)
    /// The server cannot tell now.
    case failed(Reason?)

    /// Why, for those who ask with EDNS (RFC 8914).
    package enum Reason: UInt16, Hashable, Sendable {
        case other = 0
        case prohibited = 18
        case notSupported = 21
    }

    /// Seconds for which an answer may be kept. Negative ones may not be: they say for how long themselves, and these do
    /// not.
    private static let lifetime: UInt32 = 60

    /// The message that answers `query` so.
    package func encoded(for query: NameQuery) -> [UInt8] {
        if let version = query.extensionVersion, version != 0 {
            // BADVERS, RFC 6891 section 6.1.3.
            return Self.message(query, code: 0, answers: [], extendedCode: 1, reason: nil)
        }
        return switch self {
        case .addresses(let addresses): Self.message(query, code: 0, answers: addresses, reason: nil)
        case .failed(let reason): Self.message(query, code: 2, answers: [], reason: reason)
        case .noSuchName(let reason): Self.message(query, code: 3, answers: [], reason: reason)
        case .refused(let reason): Self.message(query, code: 5, answers: [], reason: reason)
        }
    }

    /// The message that answers what was no query; `nil` when silence does.
    package static func encoded(for flaw: NameQuery.Flaw) -> [UInt8]? {
        switch flaw {
        case .ignored: nil
        case .malformed(let identifier): header(identifier, flags: 0, code: 1, counts: [0, 0, 0, 0])
        case .unsupported(let identifier): header(identifier, flags: 0, code: 4, counts: [0, 0, 0, 0])
        }
    }

    private static func message(
        _ query: NameQuery,
        code: UInt16,
        answers: [[UInt8]],
        extendedCode: UInt8 = 0,
        reason: Reason?
    ) -> [UInt8] {
        let hasOptions = query.extensionVersion != nil
        var message = header(
            query.identifier,
            flags: query.flags,
            code: code,
            counts: [1, UInt16(clamping: answers.count), 0, hasOptions ? 1 : 0]
        )
        message += query.question
        for answer in answers {
            // The question's name stands at byte 12.
            message += [0xC0, 12] + bytes(query.type.rawValue) + bytes(1)
            message += bytes(UInt16(lifetime >> 16)) + bytes(UInt16(lifetime & 0xFFFF))
            message += bytes(UInt16(clamping: answer.count)) + answer
        }
        if hasOptions {
            let option = reason.map { bytes(15) + bytes(2) + bytes($0.rawValue) } ?? []
            message += [0] + bytes(RecordType.options.rawValue) + bytes(1232) + [extendedCode, 0]
            message += bytes(query.wantsSecurity ? 0x8000 : 0) + bytes(UInt16(clamping: option.count)) + option
        }
        return message
    }

    private static func header(_ identifier: UInt16, flags: UInt16, code: UInt16, counts: [UInt16]) -> [UInt8] {
        // QR and RA: a client would pass over a server that does not resolve.
        bytes(identifier) + bytes(0x8080 | flags | code) + counts.flatMap(bytes)
    }

    private static func bytes(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }
}
