// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import RemitKernel

@Suite struct EnvironmentTests {
    @Test func `a variable that is taken is gone from the block, and its bytes are zero`() throws {
        let texts = ["A=1", "KEY=the value = of it", "no entry", "KEYS=stays", "KEY=another", "EMPTY=", "B=2"]
        let entries = try texts.map { try #require(strdup($0)) }
        defer { for entry in entries { free(entry) } }
        var block = entries.map(Optional.some) + [nil]
        let taken = block.withUnsafeMutableBufferPointer { buffer in
            CurrentProcess.takeVariables(["KEY", "EMPTY", "ABSENT"], from: buffer.baseAddress!)
        }
        #expect(taken.keys.sorted() == ["EMPTY", "KEY"])
        #expect(taken["KEY"]?.withBytes { String(decoding: $0, as: UTF8.self) } == "the value = of it")
        #expect(taken["EMPTY"]?.count == 0)
        let left = block.prefix { $0 != nil }.compactMap { $0.map { String(cString: $0) } }
        #expect(left == ["A=1", "no entry", "KEYS=stays", "B=2"])
        for index in [1, 4, 5] {
            #expect((0..<texts[index].utf8.count).allSatisfy { entries[index][$0] == 0 }, "\(texts[index])")
        }
    }

    @Test func `only the variables of the names that are asked for are read`() throws {
        let path = try #require(CurrentProcess.environment["PATH"])
        #expect(CurrentProcess.environment(of: ["PATH", "REMIT_TEST_ABSENT"]) == ["PATH": path])
        #expect(CurrentProcess.variable("REMIT_TEST_ABSENT") == nil)
    }

    @Test func `a secret that is copied from memory is the same, also of no bytes`() {
        let bytes = Array("key".utf8)
        let secret = bytes.withUnsafeBytes { Secret(copying: $0) }
        #expect(secret.withBytes { $0 } == bytes)
        #expect(Secret([]).withBytes { $0 }.isEmpty)
    }
}
