// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel

/// Takes an object apart member by member and insists that nothing is left over.
struct MemberReader {
    private var rest: [String: JSONValue]
    let path: String

    init(_ value: JSONValue, _ path: String) throws(ReceiptProblem) {
        guard case .object(let members) = value else {
            throw ReceiptProblem(place: path, reason: "\(value.kind) where an object was expected")
        }
        rest = members
        self.path = path
    }

    func place(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    func has(_ name: String) -> Bool { rest[name] != nil }

    func refuse(_ name: String, _ reason: String) -> ReceiptProblem {
        ReceiptProblem(place: place(name), reason: reason)
    }

    mutating func value(_ name: String) throws(ReceiptProblem) -> JSONValue {
        guard let value = rest.removeValue(forKey: name) else { throw refuse(name, "missing") }
        return value
    }

    mutating func object(_ name: String) throws(ReceiptProblem) -> MemberReader {
        try MemberReader(value(name), place(name))
    }

    mutating func optional<T>(
        _ name: String, _ read: (inout MemberReader, String) throws(ReceiptProblem) -> T
    ) throws(ReceiptProblem) -> T? {
        if rest[name] == .null {
            rest[name] = nil
            return nil
        }
        return try read(&self, name)
    }

    mutating func text(_ name: String) throws(ReceiptProblem) -> String {
        guard let text = try value(name).text else { throw refuse(name, "no string") }
        return text
    }

    mutating func optionalText(_ name: String) throws(ReceiptProblem) -> String? {
        try optional(name) { (reader, name) throws(ReceiptProblem) in try reader.text(name) }
    }

    mutating func integer(_ name: String) throws(ReceiptProblem) -> Int {
        guard let number = try value(name).number else { throw refuse(name, "no integer") }
        return number
    }

    mutating func optionalInteger(_ name: String) throws(ReceiptProblem) -> Int? {
        try optional(name) { (reader, name) throws(ReceiptProblem) in try reader.integer(name) }
    }

    mutating func digest(_ name: String) throws(ReceiptProblem) -> String {
        let text = try text(name)
        guard Hex.isSHA256(text) else { throw refuse(name, "no SHA-256") }
        return text
    }

    mutating func optionalDigest(_ name: String) throws(ReceiptProblem) -> String? {
        try optional(name) { (reader, name) throws(ReceiptProblem) in try reader.digest(name) }
    }

    mutating func choice<T: RawRepresentable<String>>(_ name: String) throws(ReceiptProblem) -> T {
        let text = try text(name)
        guard let choice = T(rawValue: text) else { throw refuse(name, "unknown value `\(text)`") }
        return choice
    }

    mutating func time(_ name: String) throws(ReceiptProblem) -> WallInstant {
        let text = try text(name)
        guard let time = WallInstant(rfc3339: text), time.rfc3339 == text else { throw refuse(name, "no time") }
        return time
    }

    mutating func optionalTime(_ name: String) throws(ReceiptProblem) -> WallInstant? {
        try optional(name) { (reader, name) throws(ReceiptProblem) in try reader.time(name) }
    }

    mutating func moment(_ name: String) throws(ReceiptProblem) -> Moment {
        var reader = try object(name)
        let wall = try reader.time("time")
        guard let boot = UInt64(exactly: try reader.integer("boot")) else {
            throw reader.refuse("boot", "no time since boot")
        }
        try reader.finish()
        return Moment(wall: wall, boot: BootInstant(nanoseconds: boot))
    }

    mutating func optionalMoment(_ name: String) throws(ReceiptProblem) -> Moment? {
        try optional(name) { (reader, name) throws(ReceiptProblem) in try reader.moment(name) }
    }

    mutating func list<T>(
        _ name: String, _ read: (JSONValue, String) throws(ReceiptProblem) -> T
    ) throws(ReceiptProblem) -> [T] {
        guard let elements = try value(name).elements else { throw refuse(name, "no array") }
        var result: [T] = []
        for (index, element) in elements.enumerated() {
            result.append(try read(element, "\(place(name))[\(index)]"))
        }
        return result
    }

    mutating func texts(_ name: String) throws(ReceiptProblem) -> [String] {
        try list(name) { (value, place) throws(ReceiptProblem) in
            guard let text = value.text else { throw ReceiptProblem(place: place, reason: "no string") }
            return text
        }
    }

    mutating func counts(_ name: String) throws(ReceiptProblem) -> [String: Int] {
        guard let members = try value(name).members else { throw refuse(name, "no object") }
        var counts: [String: Int] = [:]
        for (key, value) in members {
            guard let number = value.number, number >= 0 else { throw refuse("\(name).\(key)", "no count") }
            counts[key] = number
        }
        return counts
    }

    func finish() throws(ReceiptProblem) {
        if let name = rest.keys.min() { throw refuse(name, "unknown member") }
    }
}
