// SPDX-License-Identifier: Apache-2.0
// A decoded file that still knows where everything stood, for errors that only a later step can find.

/// The value of a file together with the places of its parts.
package struct DecodedFile<Value> {
    /// The decoded value.
    package let value: Value
    /// The file as named by the caller.
    package let file: String
    private let root: YAMLNode

    init(value: Value, file: String, root: YAMLNode) {
        self.value = value
        self.file = file
        self.root = root
    }

    /// Where the value at a path such as `credentials[0].provider` stands; its nearest ancestor where it is absent.
    package func position(of path: String) -> Position {
        var node = root
        for step in Self.steps(path) {
            switch (step, node.content) {
            case (.key(let key), .map(let entries)):
                guard let entry = entries.first(where: { $0.key == key }) else { return node.position }
                node = entry.value
            case (.index(let index), .list(let items)):
                guard items.indices.contains(index) else { return node.position }
                node = items[index]
            default: return node.position
            }
        }
        return node.position
    }

    /// Whether the file has a value at a path.
    package func names(_ path: String) -> Bool {
        var node = root
        for step in Self.steps(path) {
            switch (step, node.content) {
            case (.key(let key), .map(let entries)):
                guard let entry = entries.first(where: { $0.key == key }) else { return false }
                node = entry.value
            case (.index(let index), .list(let items)):
                guard items.indices.contains(index) else { return false }
                node = items[index]
            default: return false
            }
        }
        return true
    }

    /// An error at the value of a path.
    package func error(at path: String, _ message: String, hint: String? = nil) -> FileError {
        let position = position(of: path)
        return FileError(file: file, line: position.line, column: position.column, message: message, hint: hint)
    }

    private enum Step {
        case key(String)
        case index(Int)
    }

    private static func steps(_ path: String) -> [Step] {
        path.split(separator: ".").flatMap { part in
            let pieces = part.split(separator: "[", omittingEmptySubsequences: false)
            let indices = pieces.dropFirst().compactMap { Int($0.prefix { $0 != "]" }) }
            return [Step.key(String(pieces[0]))] + indices.map(Step.index)
        }
    }
}

extension DecodedFile: Sendable where Value: Sendable {}
