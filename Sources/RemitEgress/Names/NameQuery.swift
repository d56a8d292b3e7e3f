// SPDX-License-Identifier: Apache-2.0
// Queries of RFC 1035 section 4. A query says everything in full, so a compression pointer in one is an error, and
// nothing here ever follows one.

/// A question to the name server.
package struct NameQuery: Hashable, Sendable {
    /// The sender's number for it.
    package let identifier: UInt16
    /// RD, and CD (RFC 4035): given back as they came.
    package let flags: UInt16
    /// Name, type and class as they came, the name's capitals included: a client may have chosen them at random to know
    /// its answer by (draft-vixie-dnsext-dns0x20).
    package let question: [UInt8]
    /// The name's labels with dots between them; `nil` when a label holds a dot itself. Nothing is canonical yet.
    package let name: [UInt8]?
    package let type: RecordType
    package let isInternetClass: Bool
    /// The version of EDNS that the client speaks; `nil` when it does not.
    package let extensionVersion: UInt8?
    /// DO: given back as it came.
    package let wantsSecurity: Bool

    /// The largest query that is read: a name of 255 bytes and its options need less.
    package static let sizeLimit = 4096

    /// Why there is no question to answer.
    package enum Flaw: Error, Hashable, Sendable {
        /// Not to be answered at all: too short, or an answer itself.
        case ignored
        /// To be answered with FORMERR.
        case malformed(identifier: UInt16)
        /// To be answered with NOTIMP: another operation than a query.
        case unsupported(identifier: UInt16)
    }

    /// - Throws: ``Flaw`` when it is no query of exactly one question.
    package init(_ message: [UInt8]) throws(Flaw) {
        var reader = ByteReader(message)
        guard message.count <= Self.sizeLimit, let identifier = reader.number16(), let bits = reader.number16(),
            let questions = reader.number16(), let answers = reader.number16(), let authorities = reader.number16(),
            let additional = reader.number16(), bits & 0x8000 == 0
        else { throw .ignored }
        guard bits & 0x7800 == 0 else { throw .unsupported(identifier: identifier) }
        guard questions == 1, answers == 0, authorities == 0, additional <= 4, bits & 0x0200 == 0 else {
            throw .malformed(identifier: identifier)
        }
        let start = message.count - reader.count
        guard let name = Self.name(&reader), let type = reader.number16(), let space = reader.number16() else {
            throw .malformed(identifier: identifier)
        }
        question = Array(message[start..<message.count - reader.count])
        var version: UInt8?
        var wantsSecurity = false
        for _ in 0..<additional {
            guard let owner = Self.name(&reader), let type = reader.number16(), reader.number16() != nil,
                let high = reader.number16(), let low = reader.number16(), reader.vector16() != nil
            else { throw .malformed(identifier: identifier) }
            guard type == RecordType.options.rawValue else { continue }
            // One, and of the root, says RFC 6891 section 6.1.1.
            guard version == nil, owner.isEmpty else { throw .malformed(identifier: identifier) }
            version = UInt8(truncatingIfNeeded: high)
            wantsSecurity = low & 0x8000 != 0
        }
        guard reader.isAtEnd else { throw .malformed(identifier: identifier) }
        self.identifier = identifier
        flags = bits & 0x0110
        self.name = name.contains { $0.contains(UInt8(ascii: ".")) } ? nil : Array(name.joined(separator: [0x2E]))
        self.type = RecordType(rawValue: type)
        isInternetClass = space == 1
        extensionVersion = version
        self.wantsSecurity = wantsSecurity
    }

    /// The labels of a name that is written out; `nil` for a pointer, a label of an unknown kind, or a name over 255 bytes.
    private static func name(_ reader: inout ByteReader) -> [ArraySlice<UInt8>]? {
        var labels: [ArraySlice<UInt8>] = []
        var size = 1
        while let length = reader.byte() {
            if length == 0 { return labels }
            guard length <= 63, let label = reader.take(Int(length)) else { return nil }
            size += 1 + label.count
            guard size <= 255 else { return nil }
            labels.append(label)
        }
        return nil
    }
}
