// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RemitGate

struct GateLineTests {
    @Test func `lines come apart wherever the bytes were cut`() throws {
        var reader = GateLineReader(limit: 16)
        reader.append(Array("{\"a\":1}\n{\"b".utf8))
        #expect(try reader.next() == Array("{\"a\":1}".utf8))
        #expect(try reader.next() == nil)
        reader.append(Array("\":2}\n".utf8))
        #expect(try reader.next() == Array("{\"b\":2}".utf8))
        #expect(!reader.isPartial)
    }
}
