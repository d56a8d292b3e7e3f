// SPDX-License-Identifier: Apache-2.0
// Typed reads of a JSON value that knows its path, so that a refused line says where without repeating what.

internal import RemitJournal
internal import RemitKernel
internal import RemitNetwork

struct GateValue {
    let json: JSONValue
    let path: String

    var wrong: GateCodecError { .value(path: path) }

    /// The member of a name; absent ones and `null` are nothing.
    func optional(_ name: String) -> GateValue? {
        guard let member = json[name], member != .null else { return nil }
        return GateValue(json: member, path: path.isEmpty ? name : "\(path).\(name)")
    }

    func required(_ name: String) throws(GateCodecError) -> GateValue {
        guard let value = optional(name) else { throw .value(path: path.isEmpty ? name : "\(path).\(name)") }
        return value
    }

    func text() throws(GateCodecError) -> String {
        guard let text = json.text else { throw wrong }
        return text
    }

    func flag() throws(GateCodecError) -> Bool {
        guard let flag = json.flag else { throw wrong }
        return flag
    }

    func number<Number: FixedWidthInteger>(_: Number.Type = Number.self) throws(GateCodecError) -> Number {
        guard let number = json.number.flatMap({ Number(exactly: $0) }) else { throw wrong }
        return number
    }

    func word<Word: RawRepresentable<String>>(_: Word.Type = Word.self) throws(GateCodecError) -> Word {
        guard let word = json.text.flatMap({ Word(rawValue: $0) }) else { throw wrong }
        return word
    }

    func list<Item>(_ read: (GateValue) throws(GateCodecError) -> Item) throws(GateCodecError) -> [Item] {
        guard let elements = json.elements else { throw wrong }
        var items: [Item] = []
        items.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            items.append(try read(GateValue(json: element, path: "\(path)[\(index)]")))
        }
        return items
    }

    func map<Item>(_ read: (GateValue) throws(GateCodecError) -> Item) throws(GateCodecError) -> [String: Item] {
        guard let members = json.members else { throw wrong }
        var items: [String: Item] = [:]
        for (name, member) in members { items[name] = try read(GateValue(json: member, path: "\(path).\(name)")) }
        return items
    }

    func texts() throws(GateCodecError) -> [String] {
        try list { (item) throws(GateCodecError) in try item.text() }
    }

    func ports() throws(GateCodecError) -> Set<UInt16> {
        Set(try list { (item) throws(GateCodecError) in try item.number() })
    }

    func host() throws(GateCodecError) -> HostPattern {
        guard let text = json.text, let pattern = try? HostPattern(text) else { throw wrong }
        return pattern
    }

    func paths() throws(GateCodecError) -> [RequestPathPattern] {
        try list { (item) throws(GateCodecError) in
            guard let pattern = RequestPathPattern(try item.text()) else { throw item.wrong }
            return pattern
        }
    }

    func networks() throws(GateCodecError) -> [Network] {
        try list { (item) throws(GateCodecError) in
            guard let network = Network(try item.text()) else { throw item.wrong }
            return network
        }
    }

    /// The bytes that a text of hexadecimal digits stands for.
    func secret() throws(GateCodecError) -> Secret {
        guard let digits = json.text?.utf8, digits.count.isMultiple(of: 2) else { throw wrong }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        var high: UInt8?
        for digit in digits {
            guard let value = Character(Unicode.Scalar(digit)).hexDigitValue else { throw wrong }
            let nibble = UInt8(truncatingIfNeeded: value)
            if let first = high {
                bytes.append(first << 4 | nibble)
                high = nil
            } else {
                high = nibble
            }
        }
        return Secret(bytes)
    }
}

extension JSONValue {
    /// A number; the few beyond 64 signed bits are as good as unlimited.
    static func number(_ value: some FixedWidthInteger) -> JSONValue { .integer(Int(clamping: value)) }

    static func number(_ value: (some FixedWidthInteger)?) -> JSONValue { value.map { .number($0) } ?? .null }

    static func words(_ words: Set<String>) -> JSONValue { .strings(words.sorted()) }

    static func ports(_ ports: Set<UInt16>) -> JSONValue { .array(ports.sorted().map { .number($0) }) }

    static func texts(_ values: [some CustomStringConvertible]) -> JSONValue { .strings(values.map(\.description)) }

    /// An object without the members that are `null`.
    static func compact(_ members: [String: JSONValue]) -> JSONValue { .object(members.filter { $0.value != .null }) }
}
