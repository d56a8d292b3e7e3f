// SPDX-License-Identifier: Apache-2.0
// What all three kinds of file have in common.

/// The kinds of file.
package enum DocumentKind: String, Hashable, Sendable, CaseIterable {
    /// Written for every task.
    case task = "Task"
    /// Reusable confinement.
    case profile = "Profile"
    /// The operator's.
    case configuration = "Configuration"
}

/// The beginning of every file.
package enum Document {
    /// The only version that this program knows.
    package static let version = "remit/v1"

    /// The kind that a file says it is, judged before anything else in it.
    ///
    /// - Throws: `FileError` when the bytes are not one of our files.
    package static func kind(of bytes: [UInt8], file: String) throws(FileError) -> DocumentKind {
        try kind(of: YAMLComposer.compose(bytes, file: file), file: file)
    }

    /// Parses a file and checks that it is of the kind wanted.
    static func open(
        _ bytes: [UInt8], file: String, as wanted: DocumentKind, shape: ObjectShape
    ) throws(FileError) -> (root: YAMLNode, object: ObjectReader) {
        let root = try YAMLComposer.compose(bytes, file: file)
        let kind = try kind(of: root, file: file)
        guard kind == wanted else {
            let place = entry("kind", in: root)?.value.position ?? root.position
            throw FileError(
                file: file, line: place.line, column: place.column,
                message: "`kind` is `\(kind.rawValue)`, but a `\(wanted.rawValue)` is wanted here"
            )
        }
        return (root, try ObjectReader(root, shape: shape, path: "", file: file))
    }

    // A file of another kind or version would otherwise be refused for whichever of its keys comes first.
    private static func kind(of root: YAMLNode, file: String) throws(FileError) -> DocumentKind {
        guard case .map = root.content else {
            throw FileError(
                file: file, line: root.position.line, column: root.position.column,
                message: "a file must be a map, not \(root.kind)", hint: "begin with `apiVersion: \(version)`"
            )
        }
        let read = { (key: String) throws(FileError) -> ValueReader in
            guard let entry = entry(key, in: root) else {
                throw FileError(
                    file: file, line: root.position.line, column: root.position.column, message: "missing key `\(key)`",
                    hint: "begin with `apiVersion: \(version)` and `kind: Task`, `Profile` or `Configuration`"
                )
            }
            return ValueReader(node: entry.value, path: key, file: file)
        }
        let found = try read("apiVersion")
        let text = try found.text()
        guard text == version else {
            throw found.refuse("is `\(Excerpt.of(text))`, which is unknown here: this program knows `\(version)`")
        }
        return try read("kind").choice()
    }

    private static func entry(_ key: String, in root: YAMLNode) -> YAMLNode.Entry? {
        guard case .map(let entries) = root.content else { return nil }
        return entries.first { $0.key == key }
    }
}
