// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RemitGate

@Suite struct GateLineTests {
    @Test func `lines come apart wherever the bytes were cut`() throws {
        let bytes = Array("{\"a\":1}\n\n{\"b\":2}\n".utf8)
        for cut in bytes.indices {
            var reader = GateLineReader(limit: 16)
            var lines: [String] = []
            for part in [bytes[..<cut], bytes[cut...]] {
                reader.append(part)
                while let line = try reader.next() { lines.append(String(decoding: line, as: UTF8.self)) }
            }
            #expect(lines == ["{\"a\":1}", "", "{\"b\":2}"] && !reader.isPartial)
        }
    }

    @Test func `a line without an end is refused once it is too long`() throws {
        var reader = GateLineReader(limit: 16)
        reader.append([UInt8](repeating: 0x78, count: 16))
        #expect(try reader.next() == nil)
        #expect(reader.isPartial)
        reader.append([0x78])
        #expect(throws: GateCodecError.tooLong) { try reader.next() }
    }
}
