// SPDX-License-Identifier: Apache-2.0
// A classic BPF machine in user space, as far as seccomp programs go: what a filter decides, without loading it.

import RemitKernel

/// A seccomp program that can be asked.
struct BPF {
    /// What a program is asked about, see seccomp(2), `struct seccomp_data`.
    struct Call {
        var number: UInt32
        var architecture: UInt32 = BPF.nativeArchitecture
        var instructionPointer: UInt64 = 0
        var arguments: [UInt64] = [0, 0, 0, 0, 0, 0]

        init(_ number: UInt32, _ arguments: [UInt64] = []) {
            self.number = number
            for (index, argument) in arguments.enumerated() { self.arguments[index] = argument }
        }

        func word(at offset: Int) -> UInt32? {
            guard offset % 4 == 0 else { return nil }
            switch offset {
            case 0: return number
            case 4: return architecture
            case 8: return UInt32(truncatingIfNeeded: instructionPointer)
            case 12: return UInt32(truncatingIfNeeded: instructionPointer >> 32)
            case 16..<64:
                let argument = arguments[(offset - 16) / 8]
                return UInt32(truncatingIfNeeded: offset % 8 == 0 ? argument : argument >> 32)
            default: return nil
            }
        }
    }

    /// What a program answers.
    enum Verdict: Hashable, CustomStringConvertible {
        case allow
        case error(UInt16)
        case killProcess
        case notify
        case other(UInt32)

        init(_ value: UInt32) {
            switch value & 0xffff_0000 {
            case 0x7fff_0000: self = .allow
            case 0x0005_0000: self = .error(UInt16(value & 0xffff))
            case 0x8000_0000: self = .killProcess
            case 0x7fc0_0000: self = .notify
            default: self = .other(value)
            }
        }

        var description: String {
            switch self {
            case .allow: "allow"
            case .error(1): "EPERM"
            case .error(38): "ENOSYS"
            case .error(97): "EAFNOSUPPORT"
            case .error(let code): "error \(code)"
            case .killProcess: "kill"
            case .notify: "notify"
            case .other(let value): "0x" + String(value, radix: 16)
            }
        }
    }

    /// Why a program could not be run to its end; the kernel would not have loaded it.
    struct Fault: Error, CustomStringConvertible { let description: String }

    #if arch(x86_64)
    static let nativeArchitecture: UInt32 = 0xc000_003e
    #else
    static let nativeArchitecture: UInt32 = 0xc000_00b7
    #endif

    private struct Instruction {
        let code: UInt16
        let jumpTrue: Int
        let jumpFalse: Int
        let constant: UInt32
    }

    private let program: [Instruction]

    init(_ bytes: [UInt8]) throws {
        guard bytes.count % 8 == 0, !bytes.isEmpty, bytes.count / 8 <= 4096 else {
            throw Fault(description: "wrong length")
        }
        program = stride(from: 0, to: bytes.count, by: 8).map { start in
            let words = bytes[start..<start + 8].map(UInt32.init)
            let low = words[4] | words[5] << 8
            let high = words[6] | words[7] << 8
            return Instruction(
                code: UInt16(words[0] | words[1] << 8), jumpTrue: Int(words[2]), jumpFalse: Int(words[3]),
                constant: low | high << 16
            )
        }
    }

    var count: Int { program.count }

    func verdict(_ call: Call) throws -> Verdict {
        var (accumulator, index, scratch): (UInt32, UInt32, [UInt32]) = (0, 0, Array(repeating: 0, count: 16))
        var counter = 0
        // Jumps only go forward, so every run ends.
        while counter < program.count {
            let step = program[counter]
            counter += 1
            switch step.code {
            case 0x20:
                guard let word = call.word(at: Int(step.constant)) else {
                    throw Fault(description: "load at \(step.constant)")
                }
                accumulator = word
            case 0x00: accumulator = step.constant
            case 0x01: index = step.constant
            case 0x60: accumulator = scratch[Int(step.constant & 15)]
            case 0x61: index = scratch[Int(step.constant & 15)]
            case 0x02: scratch[Int(step.constant & 15)] = accumulator
            case 0x03: scratch[Int(step.constant & 15)] = index
            case 0x07: index = accumulator
            case 0x87: accumulator = index
            case 0x54: accumulator &= step.constant
            case 0x44: accumulator |= step.constant
            case 0x5c: accumulator &= index
            case 0x05: counter += Int(step.constant)
            case 0x15: counter += accumulator == step.constant ? step.jumpTrue : step.jumpFalse
            case 0x25: counter += accumulator > step.constant ? step.jumpTrue : step.jumpFalse
            case 0x35: counter += accumulator >= step.constant ? step.jumpTrue : step.jumpFalse
            case 0x45: counter += accumulator & step.constant != 0 ? step.jumpTrue : step.jumpFalse
            case 0x1d: counter += accumulator == index ? step.jumpTrue : step.jumpFalse
            case 0x06: return Verdict(step.constant)
            case 0x16: return Verdict(accumulator)
            default: throw Fault(description: "instruction 0x\(String(step.code, radix: 16))")
            }
        }
        throw Fault(description: "ran off the end")
    }
}

/// A filter that is asked by name.
struct Filter {
    private let program: BPF

    init(_ filter: SystemCallFilter) throws { program = try BPF(try filter.compiled()) }

    var count: Int { program.count }

    func verdict(_ name: String, _ arguments: UInt64...) throws -> BPF.Verdict {
        guard let number = SystemCallFilter.number(of: name) else { throw BPF.Fault(description: "no call `\(name)`") }
        return try program.verdict(BPF.Call(UInt32(number), arguments))
    }

    func verdict(number: UInt32, architecture: UInt32 = BPF.nativeArchitecture) throws -> BPF.Verdict {
        var call = BPF.Call(number)
        call.architecture = architecture
        return try program.verdict(call)
    }
}
