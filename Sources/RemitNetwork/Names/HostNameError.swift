// SPDX-License-Identifier: Apache-2.0

/// Why some bytes are not the name of a host.
package enum HostNameError: Error, Hashable, Sendable {
    /// There is nothing, or nothing but a dot.
    case empty
    /// The name is longer than 253 bytes, or a label longer than 63.
    case tooLong
    /// Two dots in a row, or one at the beginning.
    case emptyLabel
    /// A byte that no name has: NUL, a space, `%`, `@`, `:`, a bracket.
    case forbidden(UInt8)
    /// A label begins or ends with `-`.
    case hyphen
    /// It ends in a number, so that some programs take it for an address in octal, hexadecimal or short form.
    case numeric
    /// The bytes are not UTF-8.
    case encoding
    /// A character whose form in the domain name system is not the same everywhere.
    case unmapped(Unicode.Scalar)
    /// A label that begins with `xn--` and is not what it says.
    case fakeALabel
}

extension HostNameError: CustomStringConvertible {
    /// What is wrong, to follow the offending text: `is empty`.
    package var description: String {
        switch self {
        case .empty: "is empty"
        case .tooLong: "is longer than a host name may be"
        case .emptyLabel: "has an empty label"
        case .forbidden(let byte): "has the byte 0x\(String(byte, radix: 16)), which no host name has"
        case .hyphen: "has a label that begins or ends with `-`"
        case .numeric: "ends in a number, which some programs read as an address"
        case .encoding: "is not UTF-8"
        case .unmapped(let scalar):
            "has U+\(String(scalar.value, radix: 16, uppercase: true)), which cannot be mapped safely: write `xn--…`"
        case .fakeALabel: "has a label that begins with `xn--` and does not stand for a name"
        }
    }
}
