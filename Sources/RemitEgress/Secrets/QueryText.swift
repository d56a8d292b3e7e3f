// SPDX-License-Identifier: Apache-2.0

/// The query of a request's target, as forms write it.
enum QueryText {
    /// Puts the secret where the parameter's value is the placeholder; gives whether it was.
    static func swap(_ name: String, _ pair: SecretPair, in target: inout String) -> Bool {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return false }
        var isChanged = false
        let parameters = parts[1].split(separator: "&", omittingEmptySubsequences: false).map { parameter in
            let sides = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2, decode(sides[0].utf8) == Array(name.utf8), decode(sides[1].utf8) == pair.placeholder
            else { return String(parameter) }
            isChanged = true
            return "\(sides[0])=" + encode(pair.value)
        }
        if isChanged { target = "\(parts[0])?" + parameters.joined(separator: "&") }
        return isChanged
    }

    /// The bytes that percent-encoded text stands for; a `+` is a space.
    static func decode(_ text: some Collection<UInt8>, plusIsSpace: Bool = true) -> [UInt8] {
        var output: [UInt8] = []
        var rest = Array(text)[...]
        while let byte = rest.popFirst() {
            let next = rest.startIndex
            if byte == UInt8(ascii: "%"), rest.count >= 2, let high = EscapeReader.digit(rest[next]),
                let low = EscapeReader.digit(rest[next + 1])
            {
                output.append(high << 4 | low)
                rest.removeFirst(2)
            } else {
                output.append(byte == UInt8(ascii: "+") && plusIsSpace ? UInt8(ascii: " ") : byte)
            }
        }
        return output
    }

    /// Everything but the unreserved characters of RFC 3986 §2.3 percent-encoded, in upper case.
    static func encode(_ bytes: some Sequence<UInt8>, keepingSlashes: Bool = false) -> String {
        var output: [UInt8] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"):
                output.append(byte)
            case UInt8(ascii: "/") where keepingSlashes: output.append(byte)
            default:
                let digits = Array("0123456789ABCDEF".utf8)
                output += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}
