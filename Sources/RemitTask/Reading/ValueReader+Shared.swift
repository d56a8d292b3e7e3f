// SPDX-License-Identifier: Apache-2.0
// Values that more than one kind of file has.

extension ValueReader {
    /// Program and arguments: the program is not empty, nothing has a NUL.
    func command() throws(FileError) -> [String] {
        let words = try list(atLeast: 1) { (word) throws(FileError) in try word.text(.block) }
        if words[0].allSatisfy(\.isWhitespace) {
            throw ValueReader(node: first, path: "\(path)[0]", file: file).refuse("is empty: it must name a program")
        }
        return words
    }

    private var first: YAMLNode {
        if case .list(let nodes) = node.content, let first = nodes.first { return first }
        return node
    }

    /// Variables with their values.
    func variables() throws(FileError) -> [String: String] {
        try texts(keys: VariableName.problem, .block)
    }

    /// Resource limits, of a task or a profile.
    func limits() throws(FileError) -> Limits {
        let object = try object(Shapes.limits)
        return Limits(
            memory: try object.optional("memory")?.byteCount(atLeast: ByteCount(bytes: 1 << 20)),
            processes: try object.optional("processes")?.integer(in: Shapes.processRange),
            cpu: try object.optional("cpu")?.decimal(atMost: Shapes.largestCPU),
            openFiles: try object.optional("openFiles")?.integer(in: Shapes.openFileRange),
            fileSize: try object.optional("fileSize")?.byteCount(atLeast: ByteCount(bytes: 0)),
            io: try object.optional("io")?.transferLimits(),
            whenReached: try object.optional("whenReached")?.choice()
        )
    }

    /// Slower than a page a second is not a limit but an end.
    private func transferLimits() throws(FileError) -> TransferLimits? {
        let object = try object(Shapes.transfer)
        let least = ByteCount(bytes: 4096)
        return TransferLimits(
            read: try object.optional("read")?.byteCount(atLeast: least),
            write: try object.optional("write")?.byteCount(atLeast: least)
        ).orNothing
    }

    /// A free tree of settings: booleans and numbers as JSON writes them, everything else text, no null.
    func setting() throws(FileError) -> SettingValue {
        switch node.content {
        case .list:
            return .list(try list { (item) throws(FileError) in try item.setting() })
        case .map:
            return .map(
                try map(keys: { $0.isEmpty ? "is empty" : nil }) { (value) throws(FileError) in try value.setting() })
        case .scalar(_, isPlain: false):
            return .string(try text(.block))
        case .scalar(let text, isPlain: true):
            return try plainSetting(text)
        }
    }

    private func plainSetting(_ text: String) throws(FileError) -> SettingValue {
        switch text {
        case "true": return .boolean(true)
        case "false": return .boolean(false)
        default: break
        }
        if ["yes", "no", "on", "off", "true", "false"].contains(text.lowercased()) {
            throw refuse("is `\(text)`, which may mean text or a boolean", hint: "write `true` or `false`, or quote it")
        }
        let unsigned = text.hasPrefix("-") ? text.dropFirst() : text[...]
        let parts = unsigned.split(separator: ".", omittingEmptySubsequences: false)
        let isDecimal =
            parts.count <= 2 && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isWholeNumber } }
        guard isDecimal else { return .string(try self.text(.block)) }
        if parts[0].count > 1, parts[0].hasPrefix("0") {
            throw refuse("is `\(Excerpt.of(text))`, which begins with 0", hint: "quote it to make it text")
        }
        if parts.count == 1 {
            guard let number = Int64(text) else {
                throw refuse("is `\(Excerpt.of(text))`, which is too large", hint: "quote it to make it text")
            }
            return .integer(number)
        }
        guard let number = Double(text), number.isFinite else {
            throw refuse("is `\(Excerpt.of(text))`, which is too large")
        }
        return .number(number)
    }
}
