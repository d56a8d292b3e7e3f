// SPDX-License-Identifier: Apache-2.0

import RemitKernel
import Testing

@Suite struct SecretTests {
    @Test func `a secret gives its bytes and shows none of them`() {
        let secret = Secret(Array("hunter2".utf8))
        #expect(secret.count == 7)
        #expect(secret.withBytes { String(decoding: $0, as: UTF8.self) } == "hunter2")
        #expect("\(secret)" == "(secret)")
        #expect(Secret([]).withBytes { $0 } == [])
        let long = [UInt8](repeating: 7, count: 10_000)
        #expect(Secret(long).withBytes { $0 } == long)
    }

    @Test func `its pages stay out of core dumps and are wiped in a fork`() throws {
        let secret = Secret([UInt8](repeating: 42, count: 5000))
        let text = String(decoding: try FileSystem.read("/proc/self/smaps", limit: 64 << 20), as: UTF8.self)
        let flags = text.split(separator: "\n").filter { $0.hasPrefix("VmFlags:") }.map { $0.split(separator: " ") }
        #expect(flags.contains { $0.contains("wf") && $0.contains("dd") })
        #expect(secret.count == 5000)
    }

    @Test func `random names are of the alphabet, and differ`() {
        let names = Set((0..<200).map { _ in Random.identifier(16) })
        #expect(names.count == 200)
        #expect(names.allSatisfy { $0.utf8.allSatisfy { "0123456789abcdefghjkmnpqrstvwxyz".utf8.contains($0) } })
        #expect(Random.bytes(0) == [])
        #expect(Random.bytes(5000).count == 5000)
        #expect(Set(Random.bytes(5000)).count == 256)
    }
}
