// SPDX-License-Identifier: Apache-2.0

internal import Cedar
internal import RemitKernel

/// One thing a question is about, policies or a schema or entities or a context: a text, or a part of a JSON document.
struct PolicyMaterial {
    /// What errors point into.
    let source: SourceText
    /// The part of `source` that this is; nil for the whole of it.
    let value: JSONValue?

    /// The most that is read of one file, in bytes.
    static let limit = 64 << 20

    /// The whole of a document.
    init(_ source: SourceText, value: JSONValue? = nil) {
        self.source = source
        self.value = value
    }

    /// A part of a document that was read already.
    ///
    /// A string is a text of its own when it holds what no path needs and every such text has, a bracket or a semicolon,
    /// or is only a comment; otherwise it is the path of a file.
    ///
    /// - Throws: `Diagnostic` when the file cannot be read.
    init(_ value: JSONValue, in document: SourceText, called name: String) throws(Diagnostic) {
        guard let bytes = value.bytes else {
            self.init(document, value: value)
            return
        }
        let text = String(decoding: bytes, as: UTF8.self)
        if Self.isPath(text) {
            // `-` is a name like any other here: on standard input the next questions may wait.
            try self.init(path: text)
        } else {
            self.init(SourceText(text, name: name))
        }
    }

    /// The contents of a file; `-` is standard input.
    ///
    /// - Throws: `Diagnostic` when it cannot be read.
    init(file: String) throws(Diagnostic) {
        guard file == "-" else {
            try self.init(path: file)
            return
        }
        let bytes: [UInt8]
        do throws(SystemCallError) {
            bytes = try FileSystem.readAll(0, limit: Self.limit, name: "standard input")
        } catch {
            throw Diagnostic("cannot read `-`: \(error.errno)")
        }
        self.init(try SourceText(utf8: bytes, name: "standard input"))
    }

    private init(path: String) throws(Diagnostic) {
        let bytes: [UInt8]
        do throws(SystemCallError) { bytes = try FileSystem.read(path, limit: Self.limit) } catch {
            throw Diagnostic("cannot read `\(path)`: \(error.errno)")
        }
        self.init(try SourceText(utf8: bytes, name: path))
    }

    /// Whether this is in JSON form: neither policies nor schemas begin with a bracket in their text form.
    var isJSON: Bool {
        if value != nil { return true }
        let first = source.bytes.first { !" \t\r\n".utf8.contains($0) }
        return first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
    }

    /// The JSON value.
    ///
    /// - Throws: `Diagnostic` when it is none.
    func json() throws(Diagnostic) -> JSONValue {
        if let value { return value }
        do throws(JSONError) { return try JSONReader.read(source.bytes) } catch {
            throw Diagnostic(
                "\(error)", at: SourceSpan(start: error.offset, end: min(error.offset + 1, source.bytes.count)),
                in: source
            )
        }
    }

    private static func isPath(_ text: String) -> Bool {
        let isComment = text.drop { $0 == " " || $0 == "\t" }.hasPrefix("//")
        return !text.isEmpty && !isComment && !text.utf8.contains { "(){}[];\n".utf8.contains($0) }
    }
}

extension PolicyMaterial: Equatable {
    /// The same bytes, whether they came from a file or not.
    static func == (left: PolicyMaterial, right: PolicyMaterial) -> Bool {
        left.source.name == right.source.name && left.value?.range == right.value?.range
            && left.source.bytes == right.source.bytes
    }
}
