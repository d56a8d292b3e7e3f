// SPDX-License-Identifier: Apache-2.0
// Typed reads of a map with known keys.

/// A map of a file whose keys have been checked against a shape: none unknown, none required missing.
struct ObjectReader {
    let node: YAMLNode
    let path: String
    let file: String
    private let shape: ObjectShape
    private let entries: [YAMLNode.Entry]

    /// Checks the keys of a map.
    ///
    /// - Throws: `FileError` at the value that is no map, the first unknown key, or the map that lacks a required one.
    init(_ node: YAMLNode, shape: ObjectShape, path: String, file: String) throws(FileError) {
        guard case .map(let entries) = node.content else {
            let subject = path.isEmpty ? "a \(shape.name) file" : "`\(path)`"
            throw FileError(
                file: file, line: node.position.line, column: node.position.column,
                message: "\(subject) must be a map, not \(node.kind)",
                hint: "its keys are " + shape.fields.map { "`\($0.key)`" }.joined(separator: ", ")
            )
        }
        self.node = node
        self.path = path
        self.file = file
        self.shape = shape
        self.entries = entries
        for entry in entries where shape.field(entry.key) == nil {
            let known = shape.fields.map(\.key)
            throw refuse(
                "unknown key `\(Excerpt.of(entry.key))`\(Spelling.ending(for: entry.key, among: known))",
                at: entry.position,
                hint: entry.key.utf8.allSatisfy { $0 < 128 } ? nil : "it has letters that only look like ASCII letters"
            )
        }
        for field in shape.fields where field.isRequired && position(of: field.key) == nil {
            let place = path.isEmpty ? "" : " in `\(path)`"
            throw refuse("missing key `\(field.key)`\(place)", at: node.position, hint: nil)
        }
    }

    /// The value of a key, or nothing when it is absent.
    func optional(_ key: String) -> ValueReader? {
        assert(shape.field(key) != nil, "key \(key) is read but not in the shape")
        guard let entry = entries.first(where: { $0.key == key }) else { return nil }
        return ValueReader(node: entry.value, path: path.isEmpty ? key : "\(path).\(key)", file: file)
    }

    /// The value of a key that not every shape has which a reader is used with; nothing when it is absent.
    func known(_ key: String) -> ValueReader? { shape.field(key) == nil ? nil : optional(key) }

    /// The value of a key that the shape requires.
    ///
    /// - Throws: `FileError` at the map when the key is absent.
    func required(_ key: String) throws(FileError) -> ValueReader {
        guard let reader = optional(key) else { throw refuse("missing key `\(key)`", at: node.position, hint: nil) }
        return reader
    }

    /// Where a key stands.
    func position(of key: String) -> Position? {
        entries.first { $0.key == key }?.position
    }

    /// An error at a place.
    func refuse(_ message: String, at position: Position, hint: String?) -> FileError {
        FileError(file: file, line: position.line, column: position.column, message: message, hint: hint)
    }
}
