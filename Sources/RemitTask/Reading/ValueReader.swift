// SPDX-License-Identifier: Apache-2.0
// Typed reads of one value. Nothing is resolved as YAML would: the type wanted decides what the text means.

/// One value of a file with its place and path.
struct ValueReader {
    let node: YAMLNode
    let path: String
    let file: String

    /// Which characters text may have beyond one line.
    enum Extent {
        /// One line, not empty, not longer than 4096 bytes.
        case line
        /// Any number of lines and tabs, possibly empty, not longer than one argument of `execve(2)` may be.
        case block
    }

    /// An error at this value: the message begins with its path.
    func refuse(_ problem: String, hint: String? = nil) -> FileError {
        FileError(
            file: file, line: node.position.line, column: node.position.column, message: "`\(path)` \(problem)",
            hint: hint
        )
    }

    /// The text of a single value, whatever it looks like: `yes`, `1.10` and `0777` are themselves.
    ///
    /// - Throws: `FileError` for a list, a map, nothing, null, and for characters or lengths that the extent excludes.
    func text(_ extent: Extent = .line) throws(FileError) -> String {
        guard case .scalar(var text, let isPlain) = node.content else {
            throw refuse("must be text, not \(node.kind)")
        }
        if isPlain {
            if text.isEmpty { throw refuse("has no value", hint: "remove the key, or write a value") }
            if ["~", "null", "Null", "NULL"].contains(text) {
                throw refuse("is null", hint: "remove the key, or quote the value to make it text")
            }
        }
        if extent == .line {
            // A folded or literal block ends in a line break that nobody means.
            while !isPlain, text.hasSuffix("\n") { text.removeLast() }
            if text.allSatisfy(\.isWhitespace) { throw refuse("is empty") }
        }
        let isPrintable = text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
        for scalar in text.unicodeScalars where !isPrintable && CharacterRule.isHidden(scalar) {
            if extent == .block, scalar == "\n" || scalar == "\t" { continue }
            throw refuse("has \(CharacterRule.mention(scalar)), which is not allowed here")
        }
        let longest = extent == .line ? 4096 : 131_071
        if text.utf8.count > longest { throw refuse("is longer than \(longest) bytes") }
        return text
    }

    /// Text that a rule accepts; the rule says what is wrong with it otherwise.
    func text(checkedBy problem: (String) -> String?) throws(FileError) -> String {
        let text = try text()
        if let problem = problem(text) { throw refuse("is `\(Excerpt.of(text))`, which \(problem)") }
        return text
    }

    /// One of the words of an enumeration.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _: Choice.Type = Choice.self
    ) throws(FileError) -> Choice {
        let text = try text()
        if let choice = Choice(rawValue: text) { return choice }
        let ending = Spelling.ending(for: text, among: Choice.allCases.map(\.rawValue))
        throw refuse("is `\(Excerpt.of(text))`, which is unknown here\(ending)")
    }

    /// A whole number, written in decimal without quotes.
    func integer(in range: ClosedRange<Int>) throws(FileError) -> Int {
        let text = try number()
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isWholeNumber }) else {
            throw refuse(
                "is `\(Excerpt.of(text))`, which is not a whole number", hint: "write it in digits, such as `256`")
        }
        if digits.count > 1, digits.hasPrefix("0") {
            throw refuse("is `\(Excerpt.of(text))`, which begins with 0", hint: "octal numbers are not known here")
        }
        guard let number = Int(text), range.contains(number) else {
            throw refuse("is `\(Excerpt.of(text))`, which is not between \(range.lowerBound) and \(range.upperBound)")
        }
        return number
    }

    /// A number above 0 with at most three decimals, written without quotes.
    func decimal(atMost largest: Double) throws(FileError) -> Double {
        let text = try number()
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let isDecimal =
            (1...2).contains(parts.count)
            && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isWholeNumber } }
            && (parts.count == 1 || parts[1].count <= 3)
        guard isDecimal, let number = Double(text) else {
            throw refuse(
                "is `\(Excerpt.of(text))`, which is not a number with at most three decimals", hint: "write `1.5`")
        }
        guard number > 0, number <= largest else {
            throw refuse("is `\(Excerpt.of(text))`, which is not above 0 and at most \(Int(largest))")
        }
        return number
    }

    /// An amount of money in millionths of its unit: 0 to a million, with at most six decimals, without quotes.
    func money() throws(FileError) -> UInt64 {
        let text = try number()
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let isDecimal =
            (1...2).contains(parts.count)
            && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isWholeNumber } }
            && (parts.count == 1 || parts[1].count <= 6)
        guard isDecimal else {
            throw refuse(
                "is `\(Excerpt.of(text))`, which is not an amount with at most six decimals", hint: "write `2.50`")
        }
        let fraction = parts.count == 2 ? parts[1] + String(repeating: "0", count: 6 - parts[1].count) : "000000"
        guard let whole = UInt64(parts[0]), let part = UInt64(fraction),
            whole < 1_000_000 || (whole == 1_000_000 && part == 0)
        else { throw refuse("is `\(Excerpt.of(text))`, which is more than a million") }
        return whole * 1_000_000 + part
    }

    private func number() throws(FileError) -> String {
        let text = try text()
        if case .scalar(_, isPlain: false) = node.content {
            throw refuse("must be a number, not quoted text", hint: "remove the quotes")
        }
        return text
    }

    /// `true` or `false`, and no other word for them.
    func boolean() throws(FileError) -> Bool {
        switch node.content {
        case .scalar("true", isPlain: true): return true
        case .scalar("false", isPlain: true): return false
        default: throw refuse("is `\(Excerpt.of(try text()))`, which is neither `true` nor `false`")
        }
    }

    /// A length of time of at least this much.
    func timeSpan(atLeast least: TimeSpan = TimeSpan(milliseconds: 1)) throws(FileError) -> TimeSpan {
        try quantity(atLeast: least, parse: TimeSpan.parse)
    }

    /// A size of at least this much.
    func byteCount(atLeast least: ByteCount) throws(FileError) -> ByteCount {
        try quantity(atLeast: least, parse: ByteCount.parse)
    }

    private func quantity<Value: Comparable>(
        atLeast least: Value, parse: (String) -> Result<Value, QuantityError>
    ) throws(FileError) -> Value {
        let text = try text()
        switch parse(text) {
        case .failure(let error): throw refuse("is `\(Excerpt.of(text))`, which \(error.problem)", hint: error.hint)
        case .success(let value) where value < least: throw refuse("is `\(text)`, which is less than \(least)")
        case .success(let value): return value
        }
    }

    /// A reader for each item of a list.
    func items(atLeast least: Int = 0) throws(FileError) -> [ValueReader] {
        guard case .list(let nodes) = node.content else {
            var hint: String?
            if case .scalar(let text, _) = node.content, !text.isEmpty { hint = "write `[\(Excerpt.of(text))]`" }
            throw refuse("must be a list, not \(node.kind)", hint: hint)
        }
        if nodes.count < least { throw refuse("is an empty list") }
        var items: [ValueReader] = []
        items.reserveCapacity(nodes.count)
        for (index, node) in nodes.enumerated() {
            items.append(ValueReader(node: node, path: "\(path)[\(index)]", file: file))
        }
        return items
    }

    /// The items of a list.
    func list<Item>(
        atLeast least: Int = 0, _ read: (ValueReader) throws(FileError) -> Item
    ) throws(FileError) -> [Item] {
        var items: [Item] = []
        for item in try self.items(atLeast: least) { items.append(try read(item)) }
        return items
    }

    /// The texts of a list in which none may come twice.
    func uniqueTexts(checkedBy problem: (String) -> String?) throws(FileError) -> [String] {
        var seen: Set<String> = []
        var texts: [String] = []
        for item in try items() {
            let text = try item.text(checkedBy: problem)
            guard seen.insert(text).inserted else { throw item.refuse("repeats `\(Excerpt.of(text))`") }
            texts.append(text)
        }
        return texts
    }

    /// The texts of a map with free keys, each key checked by a rule.
    func texts(keys problem: (String) -> String?, _ extent: Extent) throws(FileError) -> [String: String] {
        try map(keys: problem) { (value) throws(FileError) in try value.text(extent) }
    }

    /// The values of a map with free keys, each key checked by a rule.
    func map<Value>(
        keys problem: (String) -> String?, _ read: (ValueReader) throws(FileError) -> Value
    ) throws(FileError) -> [String: Value] {
        guard case .map(let entries) = node.content else { throw refuse("must be a map, not \(node.kind)") }
        var values: [String: Value] = [:]
        for entry in entries {
            if let problem = problem(entry.key) ?? hiddenCharacter(in: entry.key) {
                throw FileError(
                    file: file, line: entry.position.line, column: entry.position.column,
                    message: "key `\(Excerpt.of(entry.key))` of `\(path)` \(problem)"
                )
            }
            values[entry.key] = try read(ValueReader(node: entry.value, path: "\(path).\(entry.key)", file: file))
        }
        return values
    }

    private func hiddenCharacter(in key: String) -> String? {
        key.unicodeScalars.first(where: CharacterRule.isHidden).map { "has \(CharacterRule.mention($0))" }
    }

    /// A map with the keys of a shape.
    func object(_ shape: ObjectShape) throws(FileError) -> ObjectReader {
        try ObjectReader(node, shape: shape, path: path, file: file)
    }
}
