// SPDX-License-Identifier: Apache-2.0
// As much of the D-Bus wire format as asking systemd for a scope takes. Specification: "D-Bus Specification", Message
// Protocol. A peer's bytes are hostile until they have been read: every length is checked before it is believed.

/// Why bytes are no D-Bus message.
package struct DBusFormatError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}

/// A message that we received.
package struct DBusMessage: Hashable, Sendable {
    package enum Kind: UInt8, Sendable {
        case call = 1
        case reply = 2
        case error = 3
        case signal = 4
    }

    /// A value of a basic type; a variant is what it holds.
    package enum Value: Hashable, Sendable {
        case number(UInt64)
        case text(String)
    }

    package let kind: Kind
    /// The serial of the call that this answers.
    package let replySerial: UInt64?
    package let member: String?
    package let errorName: String?
    /// The arguments up to the first that is not of a basic type.
    package let arguments: [Value]

    /// No message that we wait for comes near it.
    package static let largest = 1 << 20

    /// How long the message at the beginning of `bytes` is; `nil` while its header is not complete.
    ///
    /// - Throws: ``DBusFormatError`` when this is no message of this machine, or an absurd one.
    package static func length(_ bytes: [UInt8]) throws(DBusFormatError) -> Int? {
        guard bytes.count >= 16 else { return nil }
        #if _endian(little)
        let own = UInt8(ascii: "l")
        #else
        let own = UInt8(ascii: "B")
        #endif
        guard bytes[0] == own, bytes[3] == 1 else { throw DBusFormatError("no D-Bus message of this machine") }
        var reader = DBusReader(bytes, from: 4)
        let body = try Int(reader.number(4))
        _ = try reader.number(4)
        let fields = try Int(reader.number(4))
        guard body <= largest, fields <= largest else { throw DBusFormatError("a message of \(body) bytes") }
        return (16 + fields + 7) / 8 * 8 + body
    }

    /// Reads one whole message.
    package init(_ bytes: [UInt8]) throws(DBusFormatError) {
        guard let length = try Self.length(bytes), length <= bytes.count else {
            throw DBusFormatError("a message that breaks off")
        }
        guard let kind = Kind(rawValue: bytes[1]) else { throw DBusFormatError("a message of kind \(bytes[1])") }
        self.kind = kind
        var reader = DBusReader(Array(bytes[..<length]), from: 12)
        let end = try 16 + Int(reader.number(4))
        var fields: [UInt8: Value] = [:]
        while reader.position < end {
            try reader.align(8)
            let code = try UInt8(reader.number(1))
            fields[code] = try reader.variant()
        }
        func text(_ code: UInt8) -> String? { if case .text(let text) = fields[code] { text } else { nil } }
        member = text(3)
        errorName = text(4)
        replySerial = if case .number(let number) = fields[5] { number } else { nil }
        try reader.align(8)
        var arguments: [Value] = []
        for type in (text(8) ?? "").utf8 {
            guard let value = try reader.value(type) else { break }
            arguments.append(value)
        }
        self.arguments = arguments
    }

    /// The argument at `index` as text.
    package func text(_ index: Int) -> String? {
        if index < arguments.count, case .text(let text) = arguments[index] { text } else { nil }
    }
}

/// Takes values out of a message.
private struct DBusReader {
    private let bytes: [UInt8]
    private(set) var position: Int

    init(_ bytes: [UInt8], from position: Int) {
        self.bytes = bytes
        self.position = position
    }

    mutating func align(_ size: Int) throws(DBusFormatError) {
        position = (position + size - 1) / size * size
        guard position <= bytes.count else { throw DBusFormatError("a message that breaks off") }
    }

    mutating func number(_ size: Int) throws(DBusFormatError) -> UInt64 {
        try align(size)
        guard size <= bytes.count - position else { throw DBusFormatError("a message that breaks off") }
        var result: UInt64 = 0
        for index in 0..<size {
            #if _endian(little)
            result |= UInt64(bytes[position + index]) << (8 * index)
            #else
            result = result << 8 | UInt64(bytes[position + index])
            #endif
        }
        position += size
        return result
    }

    private mutating func text(lengthOf size: Int) throws(DBusFormatError) -> String {
        let count = try Int(number(size))
        guard count < bytes.count - position, bytes[position + count] == 0 else {
            throw DBusFormatError("a text that breaks off")
        }
        defer { position += count + 1 }
        guard let text = String(validating: bytes[position..<position + count], as: UTF8.self) else {
            throw DBusFormatError("a text that is not UTF-8")
        }
        return text
    }

    /// A value of a basic type, or what is in a variant of one.
    ///
    /// - Returns: `nil` for a container.
    mutating func value(_ type: UInt8) throws(DBusFormatError) -> DBusMessage.Value? {
        switch type {
        case UInt8(ascii: "y"): .number(try number(1))
        case UInt8(ascii: "n"), UInt8(ascii: "q"): .number(try number(2))
        case UInt8(ascii: "i"), UInt8(ascii: "u"), UInt8(ascii: "b"), UInt8(ascii: "h"): .number(try number(4))
        case UInt8(ascii: "x"), UInt8(ascii: "t"), UInt8(ascii: "d"): .number(try number(8))
        case UInt8(ascii: "s"), UInt8(ascii: "o"): .text(try text(lengthOf: 4))
        case UInt8(ascii: "g"): .text(try text(lengthOf: 1))
        case UInt8(ascii: "v"): try variant()
        default: nil
        }
    }

    /// A variant of a basic type; the fields of a header are nothing else.
    mutating func variant() throws(DBusFormatError) -> DBusMessage.Value {
        let signature = Array(try text(lengthOf: 1).utf8)
        // A variant in a variant in a variant would be a stack of any depth.
        guard signature.count == 1, signature[0] != UInt8(ascii: "v"), let value = try value(signature[0]) else {
            throw DBusFormatError("a variant of a type we do not read")
        }
        return value
    }
}

/// Lays out one method call.
package struct DBusCall {
    /// The arguments of a call, laid out by their signature.
    package struct Body {
        fileprivate(set) var signature = ""
        fileprivate var writer = DBusWriter()

        package init() {}

        package mutating func add(_ text: String) {
            signature += "s"
            writer.text(text)
        }

        /// `a(sv)`: names and their values.
        package mutating func add(properties: [(name: String, value: Property)]) {
            signature += "a(sv)"
            writer.array(alignedTo: 8) { writer in
                for property in properties {
                    writer.align(8)
                    writer.text(property.name)
                    switch property.value {
                    case .flag(let flag):
                        writer.signature("b")
                        writer.number(flag ? 1 : 0)
                    case .text(let text):
                        writer.signature("s")
                        writer.text(text)
                    case .numbers(let numbers):
                        writer.signature("au")
                        writer.array(alignedTo: 4) { writer in for number in numbers { writer.number(number) } }
                    }
                }
            }
        }

        /// `a(sa(sv))`: systemd's auxiliary units, of which there are none.
        package mutating func addNoUnits() {
            signature += "a(sa(sv))"
            writer.array(alignedTo: 8) { _ in }
        }
    }

    /// The value of a unit's property.
    package enum Property: Hashable, Sendable {
        case flag(Bool)
        case text(String)
        case numbers([UInt32])
    }

    /// The message's bytes.
    package static func bytes(
        serial: UInt32, to destination: String?, path: String, interface: String, member: String, body: Body = Body()
    ) -> [UInt8] {
        var header = DBusWriter()
        header.bytes(
            [UInt8(ascii: DBusWriter.isLittle ? "l" : "B"), DBusMessage.Kind.call.rawValue, 0, 1]
        )
        header.number(UInt32(body.writer.contents.count))
        header.number(serial)
        header.array(alignedTo: 8) { writer in
            func field(_ code: UInt8, _ type: String, _ text: String) {
                writer.align(8)
                writer.bytes([code])
                writer.signature(type)
                if type == "g" { writer.signature(text) } else { writer.text(text) }
            }
            field(1, "o", path)
            field(2, "s", interface)
            field(3, "s", member)
            if let destination { field(6, "s", destination) }
            if !body.signature.isEmpty { field(8, "g", body.signature) }
        }
        header.align(8)
        return header.contents + body.writer.contents
    }
}

/// Appends values to a message. Offsets count from the beginning of header or body, both of which are 8-aligned.
private struct DBusWriter {
    private(set) var contents: [UInt8] = []

    static var isLittle: Bool {
        #if _endian(little)
        true
        #else
        false
        #endif
    }

    mutating func bytes(_ bytes: [UInt8]) { contents += bytes }

    mutating func align(_ size: Int) {
        while contents.count % size != 0 { contents.append(0) }
    }

    mutating func number(_ number: UInt32) {
        align(4)
        contents += Self.bytes(of: number)
    }

    mutating func text(_ text: String) {
        number(UInt32(text.utf8.count))
        contents += Array(text.utf8) + [0]
    }

    mutating func signature(_ text: String) { contents += [UInt8(text.utf8.count)] + Array(text.utf8) + [0] }

    mutating func array(alignedTo size: Int, _ elements: (inout DBusWriter) -> Void) {
        number(0)
        let place = contents.count - 4
        // The padding before the first element does not count, even where there is none.
        align(size)
        let start = contents.count
        elements(&self)
        for (index, byte) in Self.bytes(of: UInt32(contents.count - start)).enumerated() {
            contents[place + index] = byte
        }
    }

    private static func bytes(of number: UInt32) -> [UInt8] {
        let shifts = isLittle ? [0, 8, 16, 24] : [24, 16, 8, 0]
        return shifts.map { UInt8(truncatingIfNeeded: number >> UInt32($0)) }
    }
}
