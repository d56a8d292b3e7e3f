// SPDX-License-Identifier: Apache-2.0

/// A control sequence of ECMA-48, taken apart: what stands between `CSI` and its last byte.
struct ControlSequence {
    /// `<`, `=`, `>` or `?` where it is private.
    let prefix: UInt8?
    /// The numbers between semicolons; an empty one is 0.
    let numbers: [Int]
    let hasSubparameters: Bool
    let intermediates: ArraySlice<UInt8>
    let final: UInt8

    /// - Parameter bytes: without `CSI`, with the last byte.
    /// - Returns: `nil` for what is not well-formed, and for numbers that no screen needs.
    init?(_ bytes: ArraySlice<UInt8>) {
        guard let final = bytes.last else { return nil }
        self.final = final
        var rest = bytes.dropLast()
        if let first = rest.first, (0x3C...0x3F).contains(first) {
            prefix = first
            rest = rest.dropFirst()
        } else {
            prefix = nil
        }
        var numbers: [Int] = []
        var hasSubparameters = false
        var current = 0
        while let byte = rest.first, byte >= 0x30 {
            switch byte {
            case 0x30...0x39:
                current = current * 10 + Int(byte - 0x30)
                guard current <= 65_535 else { return nil }
            case UInt8(ascii: ":"):
                hasSubparameters = true
                current = 0
            case UInt8(ascii: ";"):
                numbers.append(current)
                current = 0
            default: return nil
            }
            rest = rest.dropFirst()
            if rest.isEmpty || rest.first.map({ $0 < 0x30 }) == true { numbers.append(current) }
        }
        guard rest.allSatisfy({ (0x20...0x2F).contains($0) }) else { return nil }
        self.numbers = numbers
        self.hasSubparameters = hasSubparameters
        intermediates = rest
    }
}
