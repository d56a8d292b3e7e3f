// SPDX-License-Identifier: Apache-2.0
// A classic BPF machine in user space, as far as seccomp programs go: what a filter decides, without loading it.

/// A seccomp program that can be asked. It was checked as the kernel checks one, so asking always has an answer.
package struct FilterProgram: Sendable {
    /// What a program is asked about: seccomp(2), `struct seccomp_data`.
    package struct Call: Hashable, Sendable {
        package var number: UInt32
        package var architecture: UInt32
        package var instructionPointer: UInt64 = 0
        package let arguments: [UInt64]

        /// - Parameter arguments: at most six; the ones left out are zero.
        package init(
            _ number: UInt32, _ arguments: [UInt64] = [], architecture: UInt32 = FilterProgram.nativeArchitecture
        ) {
            self.number = number
            self.architecture = architecture
            self.arguments = (0..<6).map { $0 < arguments.count ? arguments[$0] : 0 }
        }

        /// The word at an offset that ``FilterProgram/init(_:)`` let pass.
        fileprivate func word(at offset: UInt32) -> UInt32 {
            switch offset {
            case 0: number
            case 4: architecture
            case 8: UInt32(truncatingIfNeeded: instructionPointer)
            case 12: UInt32(truncatingIfNeeded: instructionPointer >> 32)
            default:
                UInt32(truncatingIfNeeded: arguments[Int(offset - 16) / 8] >> (offset % 8 == 0 ? 0 : 32))
            }
        }
    }

    /// What a program answers.
    package enum Verdict: Hashable, Sendable, CustomStringConvertible {
        case allow
        /// The call fails with this error number.
        case error(UInt16)
        case killProcess
        /// The supervisor is told, refuses (`EPERM`) and counts.
        case notify
        /// An action that Remit's filters never take.
        case other(UInt32)

        fileprivate init(_ value: UInt32) {
            switch value & 0xffff_0000 {
            case 0x7fff_0000: self = .allow
            case 0x0005_0000: self = .error(UInt16(value & 0xffff))
            case 0x8000_0000: self = .killProcess
            case 0x7fc0_0000: self = .notify
            default: self = .other(value)
            }
        }

        package var description: String {
            switch self {
            case .allow: "allow"
            case .error(let code): ErrorName.of(code)
            case .killProcess: "kill"
            case .notify: "notify"
            case .other(let value): "0x" + String(value, radix: 16)
            }
        }
    }

    /// Why bytes are no program that the kernel would load, or that this machine understands.
    package struct Fault: Error, Hashable, CustomStringConvertible {
        package let description: String

        package init(description: String) { self.description = description }
    }

    #if arch(x86_64)
    package static let nativeArchitecture: UInt32 = 0xc000_003e
    #else
    package static let nativeArchitecture: UInt32 = 0xc000_00b7
    #endif

    /// `BPF_MAXINSNS`
    package static let longest = 4096

    private struct Instruction {
        let code: UInt16
        let whenTrue: Int
        let whenFalse: Int
        let constant: UInt32
    }

    private let program: [Instruction]

    /// Reads instructions of 8 bytes, and looks whether every run of them ends with an answer: jumps only go forward
    /// and stay inside, loads and scratch memory are in their bounds, the last instruction returns.
    ///
    /// - Throws: ``Fault`` otherwise, and for an instruction that libseccomp does not write.
    package init(_ bytes: [UInt8]) throws(Fault) {
        guard bytes.count % 8 == 0, !bytes.isEmpty, bytes.count / 8 <= Self.longest else {
            throw Fault(description: "\(bytes.count) bytes are no program")
        }
        program = stride(from: 0, to: bytes.count, by: 8).map { start in
            let words = bytes[start..<start + 8].map(UInt32.init)
            return Instruction(
                code: UInt16(words[0] | words[1] << 8), whenTrue: Int(words[2]), whenFalse: Int(words[3]),
                constant: words[4] | words[5] << 8 | words[6] << 16 | words[7] << 24
            )
        }
        for (index, step) in program.enumerated() {
            guard Self.isSound(step, remaining: program.count - index - 1) else {
                throw Fault(description: "instruction \(index) is none: 0x\(String(step.code, radix: 16))")
            }
        }
        guard let last = program.last, Self.isReturn(last) else {
            throw Fault(description: "the last instruction does not return")
        }
    }

    private static func isReturn(_ step: Instruction) -> Bool { step.code == 0x06 || step.code == 0x16 }

    private static func isSound(_ step: Instruction, remaining: Int) -> Bool {
        switch step.code {
        case 0x20: step.constant % 4 == 0 && step.constant < 64
        case 0x00, 0x01, 0x07, 0x87, 0x44, 0x54, 0x5c: true
        case 0x60, 0x61, 0x02, 0x03: step.constant < 16
        case 0x05: step.constant < remaining
        case 0x15, 0x25, 0x35, 0x45, 0x1d: step.whenTrue < remaining && step.whenFalse < remaining
        default: isReturn(step)
        }
    }

    /// How many instructions it has.
    package var count: Int { program.count }

    /// What the program answers to a call.
    package func verdict(_ call: Call) -> Verdict { run(call, readingArguments: true) ?? .killProcess }

    /// Whether a call by this number is allowed without a look at its arguments. The kernel finds that out when it
    /// loads the filter, and never runs it for such a call (Linux 5.11, `seccomp_cache_prepare`).
    package func isAlwaysAllowed(_ number: UInt32) -> Bool { run(Call(number), readingArguments: false) == .allow }

    /// The answer, or `nil` when it depends on what was not to be read.
    private func run(_ call: Call, readingArguments: Bool) -> Verdict? {
        var (accumulator, index): (UInt32, UInt32) = (0, 0)
        var scratch = [UInt32](repeating: 0, count: 16)
        var counter = 0
        // Jumps only go forward, so every run ends.
        while counter < program.count {
            let step = program[counter]
            counter += 1
            switch step.code {
            case 0x20:
                if !readingArguments, step.constant >= 8 { return nil }
                accumulator = call.word(at: step.constant)
            case 0x00: accumulator = step.constant
            case 0x01: index = step.constant
            case 0x60: accumulator = scratch[Int(step.constant)]
            case 0x61: index = scratch[Int(step.constant)]
            case 0x02: scratch[Int(step.constant)] = accumulator
            case 0x03: scratch[Int(step.constant)] = index
            case 0x07: index = accumulator
            case 0x87: accumulator = index
            case 0x54: accumulator &= step.constant
            case 0x44: accumulator |= step.constant
            case 0x5c: accumulator &= index
            case 0x05: counter += Int(step.constant)
            case 0x15: counter += accumulator == step.constant ? step.whenTrue : step.whenFalse
            case 0x25: counter += accumulator > step.constant ? step.whenTrue : step.whenFalse
            case 0x35: counter += accumulator >= step.constant ? step.whenTrue : step.whenFalse
            case 0x45: counter += accumulator & step.constant != 0 ? step.whenTrue : step.whenFalse
            case 0x1d: counter += accumulator == index ? step.whenTrue : step.whenFalse
            case 0x06: return Verdict(step.constant)
            case 0x16: return Verdict(accumulator)
            default: return nil
            }
        }
        return nil
    }
}

/// Names of the error numbers that filters answer with.
enum ErrorName {
    static func of(_ code: UInt16) -> String { names[code] ?? "error \(code)" }

    static func code(_ name: String) -> UInt16? { names.first { $0.value == name }?.key }

    private static let names: [UInt16: String] = [
        1: "EPERM", 2: "ENOENT", 12: "ENOMEM", 13: "EACCES", 14: "EFAULT", 16: "EBUSY", 19: "ENODEV", 22: "EINVAL",
        25: "ENOTTY", 38: "ENOSYS", 93: "EPROTONOSUPPORT", 94: "ESOCKTNOSUPPORT", 95: "EOPNOTSUPP",
        97: "EAFNOSUPPORT",
    ]
}
