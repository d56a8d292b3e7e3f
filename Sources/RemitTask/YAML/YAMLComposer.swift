// SPDX-License-Identifier: Apache-2.0
// From events to a tree, refusing everything by which a file could say something else than it shows.

/// Builds the tree of a file that holds one plain document: no anchors, aliases, tags, merge keys or directives,
/// no key twice, and no deeper than any of our files needs.
struct YAMLComposer: ~Copyable {
    /// Our own files need seven levels; the rest is for the settings of providers.
    static let deepest = 32

    private let file: String
    private var parser: YAMLParser

    /// Reads the one document of a file.
    ///
    /// - Throws: `FileError` where the file is not YAML, or uses a part of YAML that is refused.
    static func compose(_ bytes: [UInt8], file: String) throws(FileError) -> YAMLNode {
        let source = try SourceText(bytes, file: file)
        if let directive = source.firstDirective {
            throw FileError(
                file: file, line: directive.line, column: directive.column, message: "YAML directives are not allowed"
            )
        }
        var composer = YAMLComposer(file: file, parser: YAMLParser(source.bytes))
        return try composer.document()
    }

    private init(file: String, parser: consuming YAMLParser) {
        self.file = file
        self.parser = parser
    }

    private mutating func document() throws(FileError) -> YAMLNode {
        var event = try next()
        while case .nothing = event.content { event = try next() }
        guard case .documentStart = event.content else {
            throw refuse("file is empty", at: Position(line: 1, column: 1), hint: "begin with `apiVersion: remit/v1`")
        }
        let root = try node(from: try next(), depth: 1)
        _ = try next()
        let rest = try next()
        if case .streamEnd = rest.content { return root }
        throw refuse("a second document begins here: a file holds one", at: rest.position)
    }

    private mutating func node(from event: YAMLEvent, depth: Int) throws(FileError) -> YAMLNode {
        try check(event, depth: depth)
        switch event.content {
        case .scalar(let text, let isPlain):
            return YAMLNode(content: .scalar(text, isPlain: isPlain), position: event.position)
        case .listStart:
            var items: [YAMLNode] = []
            while true {
                let next = try next()
                if case .listEnd = next.content { break }
                items.append(try node(from: next, depth: depth + 1))
            }
            return YAMLNode(content: .list(items), position: event.position)
        case .mapStart:
            return YAMLNode(content: .map(try entries(depth: depth)), position: event.position)
        default:
            throw refuse("unexpected end of the document", at: event.position)
        }
    }

    private mutating func entries(depth: Int) throws(FileError) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var seen: [String: Position] = [:]
        while true {
            let event = try next()
            if case .mapEnd = event.content { return entries }
            try check(event, depth: depth)
            guard case .scalar(let key, let isPlain) = event.content else {
                throw refuse("a key must be text", at: event.position)
            }
            if key == "<<", isPlain {
                throw refuse("merge key `<<` is not allowed", at: event.position, hint: "write the keys out")
            }
            if let first = first(key, in: entries, seen: &seen) {
                throw refuse("duplicate key `\(Excerpt.of(key))`: first on line \(first.line)", at: event.position)
            }
            let value = try node(from: try next(), depth: depth + 1)
            if !seen.isEmpty { seen[key] = event.position }
            entries.append(YAMLNode.Entry(key: key, position: event.position, value: value))
        }
    }

    /// Where a key stood before. Small maps are searched: nearly all are, and hashing costs more than looking.
    private func first(
        _ key: String, in entries: [YAMLNode.Entry], seen: inout [String: Position]
    ) -> Position? {
        if entries.count < 16 { return entries.first { $0.key == key }?.position }
        if seen.isEmpty {
            for entry in entries { seen[entry.key] = entry.position }
        }
        return seen[key]
    }

    private func check(_ event: YAMLEvent, depth: Int) throws(FileError) {
        if case .alias(let name) = event.content {
            throw refuse("alias `*\(Excerpt.of(name))` is not allowed", at: event.position, hint: "write the value out")
        }
        if let anchor = event.anchor {
            throw refuse(
                "anchor `&\(Excerpt.of(anchor))` is not allowed", at: event.position, hint: "write the value out")
        }
        if let tag = event.tag {
            throw refuse(
                "tag `\(Excerpt.of(tag))` is not allowed", at: event.position, hint: "quote the value to make it text")
        }
        if depth > Self.deepest {
            throw refuse("nested deeper than \(Self.deepest) levels", at: event.position)
        }
    }

    private mutating func next() throws(FileError) -> YAMLEvent {
        do {
            return try parser.next()
        } catch {
            // libyaml looks ahead, and gives up at a thousand flow levels before the first of them is an event.
            let isDepth = error.text.contains("Maximum nesting level")
            let message = isDepth ? "nested deeper than \(Self.deepest) levels" : "not valid YAML: \(error.text)"
            let isReserved = error.text.contains("cannot start any token")
            throw refuse(
                message, at: error.position,
                hint: isReserved ? "text that starts with `@` or a backtick has to be quoted: `\"@name\"`" : nil)
        }
    }

    private func refuse(_ message: String, at position: Position, hint: String? = nil) -> FileError {
        FileError(file: file, line: position.line, column: position.column, message: message, hint: hint)
    }
}

extension SourceText {
    /// The first line that begins with `%` before the document: libyaml applies directives without telling.
    fileprivate var firstDirective: Position? {
        var line = 1
        var isLineStart = true
        for byte in bytes {
            if isLineStart {
                switch byte {
                case UInt8(ascii: "%"): return Position(line: line, column: 1)
                case UInt8(ascii: "#"), UInt8(ascii: " "), UInt8(ascii: "\n"): break
                default: return nil
                }
            }
            isLineStart = byte == UInt8(ascii: "\n")
            if isLineStart { line += 1 }
        }
        return nil
    }
}
