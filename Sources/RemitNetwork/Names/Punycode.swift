// SPDX-License-Identifier: Apache-2.0
// RFC 3492, with the parameters of section 5. Labels are short and the arithmetic is checked, so time is bounded.

enum Punycode {
    private static let base = 36
    private static let leastThreshold = 1
    private static let largestThreshold = 26
    private static let firstScalar = 128
    private static let firstBias = 72
    /// Longer than any label decodes to or comes from.
    private static let longest = 256

    /// The ASCII form of a label without its prefix; nothing when it grows too long.
    static func encode(_ label: [Unicode.Scalar]) -> [UInt8]? {
        guard label.count <= longest else { return nil }
        var output = label.filter(\.isASCII).map { UInt8(truncatingIfNeeded: $0.value) }
        let basic = output.count
        if basic > 0 { output.append(UInt8(ascii: "-")) }
        var next = firstScalar
        var delta = 0
        var bias = firstBias
        var handled = basic
        while handled < label.count {
            guard let least = label.lazy.map({ Int($0.value) }).filter({ $0 >= next }).min() else { return nil }
            let (step, tooLarge) = (least - next).multipliedReportingOverflow(by: handled + 1)
            guard !tooLarge else { return nil }
            delta += step
            next = least
            for scalar in label {
                if scalar.value < next { delta += 1 }
                guard scalar.value == next else { continue }
                append(delta, bias: bias, to: &output)
                bias = adapt(delta, count: handled + 1, isFirst: handled == basic)
                delta = 0
                handled += 1
            }
            delta += 1
            next += 1
        }
        return output
    }

    /// The label that an ASCII form without its prefix stands for; nothing when it stands for none.
    static func decode(_ text: some BidirectionalCollection<UInt8>) -> [Unicode.Scalar]? {
        guard text.count <= longest else { return nil }
        var output: [Unicode.Scalar] = []
        var rest = text[...]
        if let separator = text.lastIndex(of: UInt8(ascii: "-")) {
            output = text[..<separator].map { Unicode.Scalar($0) }
            rest = text[text.index(after: separator)...]
        }
        var next = firstScalar
        var index = 0
        var bias = firstBias
        var digits = rest.makeIterator()
        var first = digits.next()
        while let digit = first {
            let start = index
            var weight = 1
            var k = base
            var current: UInt8? = digit
            while true {
                guard let byte = current, let value = value(of: byte) else { return nil }
                let (product, productOverflow) = value.multipliedReportingOverflow(by: weight)
                let (sum, sumOverflow) = index.addingReportingOverflow(product)
                guard !productOverflow, !sumOverflow, sum <= 0x10_FFFF * longest else { return nil }
                index = sum
                let threshold = min(max(k - bias, leastThreshold), largestThreshold)
                if value < threshold { break }
                let (heavier, weightOverflow) = weight.multipliedReportingOverflow(by: base - threshold)
                guard !weightOverflow else { return nil }
                weight = heavier
                k += base
                current = digits.next()
            }
            let count = output.count + 1
            bias = adapt(index - start, count: count, isFirst: start == 0)
            next += index / count
            index %= count
            guard next <= 0x10_FFFF, let scalar = Unicode.Scalar(UInt32(next)), count <= longest else { return nil }
            output.insert(scalar, at: index)
            index += 1
            first = digits.next()
        }
        return output
    }

    private static func append(_ delta: Int, bias: Int, to output: inout [UInt8]) {
        var rest = delta
        var k = base
        while true {
            let threshold = min(max(k - bias, leastThreshold), largestThreshold)
            if rest < threshold { break }
            output.append(digit(threshold + (rest - threshold) % (base - threshold)))
            rest = (rest - threshold) / (base - threshold)
            k += base
        }
        output.append(digit(rest))
    }

    private static func adapt(_ delta: Int, count: Int, isFirst: Bool) -> Int {
        var delta = isFirst ? delta / 700 : delta / 2
        delta += delta / count
        var k = 0
        while delta > (base - leastThreshold) * largestThreshold / 2 {
            delta /= base - leastThreshold
            k += base
        }
        return k + (base - leastThreshold + 1) * delta / (delta + 38)
    }

    private static func digit(_ value: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: value < 26 ? Int(UInt8(ascii: "a")) + value : Int(UInt8(ascii: "0")) + value - 26)
    }

    private static func value(of byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(byte - UInt8(ascii: "a"))
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0")) + 26
        default: nil
        }
    }
}
