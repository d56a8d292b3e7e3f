// SPDX-License-Identifier: Apache-2.0

/// Lays a document out on lines of limited width.
struct Renderer {
    private static let indentation = 2

    private let width: Int
    private var output = ""
    /// How many scalars are on the current line; nil where only indentation would be.
    private var column: Int?
    /// Comments to be put at the end of the current line.
    private var pending: [String] = []

    private struct Item {
        let document: Document
        let indentation: Int
        let isFlat: Bool
    }

    private init(width: Int) {
        self.width = width
    }

    /// The text of `document`, with lines of at most `width` where that is possible, ending with a line break.
    static func render(_ document: Document, width: Int) -> String {
        var renderer = Renderer(width: width)
        renderer.render(document)
        return renderer.output
    }

    private mutating func render(_ document: Document) {
        var stack = [Item(document: document, indentation: 0, isFlat: false)]
        while let item = stack.popLast() {
            switch item.document {
            case .text(let text): write(text, indentation: item.indentation)
            case .comment(let text):
                if column == nil, pending.isEmpty {
                    write(text, indentation: item.indentation)
                    breakLine()
                } else {
                    pending.append(text)
                }
            case .line:
                if item.isFlat { write(" ", indentation: item.indentation) } else { breakLine() }
            case .softLine:
                if !item.isFlat { breakLine() }
            case .hardLine: breakLine()
            case .blankLine:
                breakLine()
                if !output.isEmpty { output += "\n" }
            case .sequence(let parts):
                for part in parts.reversed() {
                    stack.append(Item(document: part, indentation: item.indentation, isFlat: item.isFlat))
                }
            case .indented(let content):
                stack.append(
                    Item(
                        document: content, indentation: item.indentation + Renderer.indentation, isFlat: item.isFlat))
            case .group(let content, let isBroken):
                let isFlat = item.isFlat || (!isBroken && fits(content, item.indentation, before: stack))
                stack.append(Item(document: content, indentation: item.indentation, isFlat: isFlat))
            }
        }
        breakLine()
    }

    /// Whether `document` on one line, and what follows it up to the next possible break, fits the line.
    private func fits(_ document: Document, _ indentation: Int, before rest: [Item]) -> Bool {
        var room = width - (column ?? indentation)
        var stack = [(document, true)]
        var following = rest[...]
        while room >= 0 {
            guard let (document, isFlat) = stack.popLast() ?? following.popLast().map({ ($0.document, $0.isFlat) })
            else { return true }
            switch document {
            case .text(let text): room -= text.unicodeScalars.count
            case .comment: return true
            case .line:
                if !isFlat { return true }
                room -= 1
            case .softLine:
                if !isFlat { return true }
            case .hardLine, .blankLine: return true
            case .sequence(let parts):
                for part in parts.reversed() { stack.append((part, isFlat)) }
            case .indented(let content): stack.append((content, isFlat))
            case .group(let content, let isBroken): stack.append((content, isFlat && !isBroken))
            }
        }
        return false
    }

    private mutating func write(_ text: String, indentation: Int) {
        if column == nil {
            output += String(repeating: " ", count: indentation)
            column = indentation
        }
        output += text
        column = (column ?? 0) + text.unicodeScalars.count
    }

    /// Ends the current line, if there is anything on it.
    private mutating func breakLine() {
        for comment in pending {
            if column != nil { output += " " }
            output += comment
            column = column ?? 0
        }
        pending.removeAll()
        guard column != nil else { return }
        while output.utf8.last == UInt8(ascii: " ") { output.removeLast() }
        output += "\n"
        column = nil
    }
}
