// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RemitEgress

/// Builds queries as a client does, and as no client should.
struct QueryBuilder {
    var identifier: UInt16 = 0x1234
    var flags: UInt16 = 0x0100
    var counts: [UInt16] = [1, 0, 0, 0]
    var name: [UInt8]
    var type: RecordType
    var space: UInt16 = 1
    var rest: [UInt8] = []

    init(_ name: String, _ type: RecordType = .address) {
        self.name = name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
        self.type = type
    }

    /// With EDNS of this version, and DO.
    func extended(version: UInt8 = 0, security: Bool = false) -> QueryBuilder {
        var copy = self
        copy.counts[3] += 1
        copy.rest += [0, 0, 41, 0x10, 0, 0, version, security ? 0x80 : 0, 0, 0, 0]
        return copy
    }

    var bytes: [UInt8] {
        ([identifier, flags] + counts).flatMap(Self.pair) + name + Self.pair(type.rawValue) + Self.pair(space) + rest
    }

    private static func pair(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 255)] }
}

@Suite struct NameMessageTests {
    @Test func `a query of a resolver is read`() throws {
        let query = try NameQuery(QueryBuilder("wWw.ExAmple.com", .addressV6).extended(security: true).bytes)
        #expect(query.identifier == 0x1234)
        #expect(query.name == Array("wWw.ExAmple.com".utf8))
        #expect(query.type == .addressV6)
        #expect(query.isInternetClass)
        #expect(query.extensionVersion == 0)
        #expect(query.wantsSecurity)
    }

    @Test func `an answer repeats the question as it was written, and points to its name`() throws {
        let query = try NameQuery(QueryBuilder("wWw.ExAmple.com").bytes)
        let reply = NameReply.addresses([[198, 18, 1, 0]]).encoded(for: query)
        #expect(reply[..<12] == [0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0])
        #expect(Array(reply[12..<33]) == query.question)
        #expect(reply[33...] == [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 198, 18, 1, 0])
    }

    @Test func `a refusal says why to those who can hear it`() throws {
        let plain = NameReply.noSuchName(.prohibited).encoded(for: try NameQuery(QueryBuilder("a.b").bytes))
        #expect(plain[3] & 15 == 3)
        #expect(plain.count == 12 + 5 + 4)
        let extended = NameReply.noSuchName(.prohibited).encoded(
            for: try NameQuery(QueryBuilder("a.b").extended().bytes))
        #expect(extended.suffix(17) == [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 6, 0, 15, 0, 2, 0, 18])
    }

    @Test func `a version of EDNS that is not known is answered as such`() throws {
        let query = try NameQuery(QueryBuilder("a.b").extended(version: 1).bytes)
        let reply = NameReply.addresses([[1, 2, 3, 4]]).encoded(for: query)
        #expect(reply[6...7] == [0, 0])
        #expect(reply.suffix(11) == [0, 0, 41, 4, 208, 1, 0, 0, 0, 0, 0])
    }

    @Test func `every reply fits into a datagram`() throws {
        let name = Array(repeating: String(repeating: "a", count: 61), count: 4).joined(separator: ".")
        let query = try NameQuery(QueryBuilder(name, .addressV6).extended().bytes)
        let both = [[UInt8](repeating: 1, count: 16), [UInt8](repeating: 2, count: 16)]
        #expect(NameReply.addresses(both).encoded(for: query).count <= 512)
        #expect(NameReply.noSuchName(.prohibited).encoded(for: query).count <= 512)
    }

    @Test func `what is no query gets no answer, or an error`() {
        var answer = QueryBuilder("a.b")
        answer.flags = 0x8100
        #expect(flaw(answer.bytes) == .ignored)
        #expect(flaw([1, 2, 3]) == .ignored)
        #expect(flaw([]) == .ignored)
        var update = QueryBuilder("a.b")
        update.flags = 0x2800
        #expect(flaw(update.bytes) == .unsupported(identifier: 0x1234))
        #expect(NameReply.encoded(for: .unsupported(identifier: 0x1234))?[3] == 0x84)
        #expect(NameReply.encoded(for: .ignored) == nil)
    }

    @Test func `a compression pointer in a question is refused, not followed`() {
        var itself = QueryBuilder("")
        itself.name = [0xC0, 12]
        #expect(flaw(itself.bytes) == .malformed(identifier: 0x1234))
        var loop = QueryBuilder("")
        loop.name = [1, 0x61, 0xC0, 12]
        #expect(flaw(loop.bytes) == .malformed(identifier: 0x1234))
    }

    @Test func `names of every broken shape are refused`() {
        var long = QueryBuilder("")
        long.name = (0..<5).flatMap { _ in [UInt8(60)] + [UInt8](repeating: 0x61, count: 60) } + [0]
        #expect(flaw(long.bytes) == .malformed(identifier: 0x1234))
        var open = QueryBuilder("")
        open.name = [63, 0x61]
        #expect(flaw(open.bytes) == .malformed(identifier: 0x1234))
        var two = QueryBuilder("a.b")
        two.counts[0] = 2
        #expect(flaw(two.bytes) == .malformed(identifier: 0x1234))
        var trailing = QueryBuilder("a.b")
        trailing.rest = [0]
        #expect(flaw(trailing.bytes) == .malformed(identifier: 0x1234))
        var twice = QueryBuilder("a.b").extended().extended()
        #expect(flaw(twice.bytes) == .malformed(identifier: 0x1234))
        twice.counts[3] = 1
        #expect(flaw(twice.bytes) == .malformed(identifier: 0x1234))
    }

    @Test func `a label with a dot in it is no name`() throws {
        var query = QueryBuilder("")
        query.name = [3, 0x61, 0x2E, 0x62, 0]
        #expect(try NameQuery(query.bytes).name == nil)
    }

    @Test func `no prefix and no changed byte of a query traps`() {
        let whole = QueryBuilder("www.example.com", .https).extended().bytes
        for end in 0..<whole.count { _ = flaw(Array(whole[..<end])) }
        for index in whole.indices {
            for value in [0, 1, 63, 64, 127, 128, 192, 255] as [UInt8] {
                var changed = whole
                changed[index] = value
                if let query = try? NameQuery(changed) {
                    #expect(NameReply.refused(.other).encoded(for: query).count <= 512)
                }
            }
        }
    }

    private func flaw(_ bytes: [UInt8]) -> NameQuery.Flaw? {
        do throws(NameQuery.Flaw) {
            _ = try NameQuery(bytes)
            return nil
        } catch {
            return error
        }
    }
}
