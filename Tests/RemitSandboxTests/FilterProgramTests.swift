// SPDX-License-Identifier: Apache-2.0
// The user-space machine itself: what it refuses to read, and that it always answers.

import RemitSandbox
import Testing

@Suite struct FilterProgramTests {
    private func instruction(
        _ code: UInt8, _ whenTrue: UInt8 = 0, _ whenFalse: UInt8 = 0, _ constant: UInt32 = 0
    )
        -> [UInt8]
    {
        [code, 0, whenTrue, whenFalse] + (0..<4).map { UInt8(truncatingIfNeeded: constant >> (8 * $0)) }
    }

    private var allow: [UInt8] { instruction(0x06, 0, 0, 0x7fff_0000) }
    private var refuse: [UInt8] { instruction(0x06, 0, 0, 0x0005_0001) }

    @Test func `what the kernel would not load is no program`() {
        let bad: [[UInt8]] = [
            [], [0x06], Array(repeating: 0, count: 8 * 4097),
            instruction(0x20, 0, 0, 0),  // does not return
            instruction(0x20, 0, 0, 64) + allow, instruction(0x20, 0, 0, 2) + allow,  // beyond, unaligned
            instruction(0x05, 0, 0, 1) + allow, instruction(0x05, 0, 0, .max) + allow,  // jumps outside
            instruction(0x15, 1, 0, 0) + allow, instruction(0x15, 0, 1, 0) + allow,
            instruction(0x60, 0, 0, 16) + allow, instruction(0x02, 0, 0, 16) + allow,  // scratch memory
            instruction(0x28, 0, 0, 0) + allow, instruction(0x0c) + allow, [0x06, 1, 0, 0, 0, 0, 0, 0],
        ]
        for bytes in bad { #expect(throws: FilterProgram.Fault.self) { try FilterProgram(bytes) } }
    }

    @Test func `arguments are read by halves, comparisons and jumps as bpf(4) says`() throws {
        // Allowed when the upper half of the second argument is greater than 7, else when a bit of the lower is set.
        let program = try FilterProgram(
            instruction(0x20, 0, 0, 28) + instruction(0x25, 2, 0, 7) + instruction(0x20, 0, 0, 24)
                + instruction(0x45, 0, 1, 0x10) + allow + refuse)
        #expect(program.verdict(.init(1, [0, 8 << 32])) == .allow)
        #expect(program.verdict(.init(1, [0, 7 << 32])) == .error(1))
        #expect(program.verdict(.init(1, [0, 0x10])) == .allow)
        #expect(program.verdict(.init(1, [0x10, 0x20])) == .error(1))
        #expect(!program.isAlwaysAllowed(1))
    }

    @Test func `a call is always allowed when its number alone decides`() throws {
        let program = try FilterProgram(
            instruction(0x20, 0, 0, 0) + instruction(0x35, 1, 0, 5) + allow + instruction(0x20, 0, 0, 16)
                + instruction(0x15, 0, 1, 1) + allow + refuse)
        #expect(program.isAlwaysAllowed(4) && !program.isAlwaysAllowed(5))
        #expect(program.verdict(.init(5, [1])) == .allow)
    }

    @Test func `random bytes are refused or answered`() {
        var generator = SystemRandomNumberGenerator()
        var accepted = 0
        let codes: [UInt8] = [0x20, 0x00, 0x01, 0x60, 0x61, 0x02, 0x03, 0x07, 0x87, 0x54, 0x44, 0x5c, 0x05, 0x15, 0x25]
        for _ in 0..<20_000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...12, using: &generator) {
                let small = UInt32.random(in: 0...20, using: &generator)
                bytes += instruction(
                    codes.randomElement(using: &generator) ?? 0, UInt8.random(in: 0...4, using: &generator),
                    UInt8.random(in: 0...4, using: &generator), small)
            }
            guard let program = try? FilterProgram(bytes + refuse) else { continue }
            accepted += 1
            #expect(program.verdict(.init(.random(in: 0...600), [.max, 1])) == .error(1))
        }
        #expect(accepted > 100)
    }
}
