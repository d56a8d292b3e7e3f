// SPDX-License-Identifier: Apache-2.0
// One profile file as written, before anything is merged.

/// What one profile file says, and the line of every value.
package struct ProfileLayer: Sendable {
    /// The name in the file.
    package var name: String
    /// One line on what it is for.
    package var description: String?
    /// The profile it is merged over.
    package var extends: String?
    /// The line of every value by its path in a resolved profile, such as `filesystem.links./bin`.
    package var lines: [String: Int] = [:]
    var binds: [Bind] = []
    var links: [String: String] = [:]
    var temporary: ByteCount?
    var home: ByteCount?
    var processes: ProcessView?
    var installations: [String: String] = [:]
    var workspace: AccessMode?
    var etc = ProfileEtc()
    var environment = ProfileEnvironment()
    var systemCalls = ProfileSystemCalls()
    var limits = Limits()
    var network = NetworkRules()
    var requiredLayers: [Layer] = []
    var tests: [ProfileTest] = []
}

extension ProfileLayer {
    /// Decodes one profile file; `file` is what errors call it.
    ///
    /// - Throws: `FileError` at the first thing that is not as it must be.
    package static func decode(_ text: String, file: String) throws(FileError) -> ProfileLayer {
        try decode(bytes: Array(text.utf8), file: file).value
    }

    /// Decodes the bytes of one profile file, and keeps the places of its parts.
    ///
    /// - Throws: `FileError` at the first thing that is not as it must be.
    package static func decode(bytes: [UInt8], file: String) throws(FileError) -> DecodedFile<ProfileLayer> {
        let (root, object) = try Document.open(bytes, file: file, as: .profile, shape: Shapes.profile)
        var layer = ProfileLayer(name: try object.required("name").text(checkedBy: Name.problem))
        if let value = object.optional("description") {
            layer.description = try value.text()
            layer.note(value.path, value)
        }
        layer.extends = try object.optional("extends")?.text(checkedBy: Name.problem)
        if let reader = object.optional("filesystem") { try layer.readFilesystem(reader) }
        if let reader = object.optional("etc") { try layer.readEtc(reader) }
        if let reader = object.optional("environment") { try layer.readEnvironment(reader) }
        if let reader = object.optional("systemCalls") { try layer.readSystemCalls(reader) }
        if let reader = object.optional("limits") {
            layer.limits = try reader.limits()
            layer.noteEntries(of: reader)
        }
        if let reader = object.optional("network") { try layer.readNetwork(reader) }
        if let reader = object.optional("layers") { try layer.readLayers(reader) }
        if let reader = object.optional("tests") { try layer.readTests(reader) }
        return DecodedFile(value: layer, file: file, root: root)
    }

    private mutating func readFilesystem(_ reader: ValueReader) throws(FileError) {
        let object = try reader.object(Shapes.filesystem)
        for item in try object.optional("binds")?.items() ?? [] {
            let bind = try item.bind()
            let path = "filesystem.binds.\(bind.target)"
            if lines[path] != nil { throw item.refuse("repeats the target `\(Excerpt.of(bind.target))`") }
            binds.append(bind)
            note(path, item)
        }
        if let reader = object.optional("links") {
            links = try reader.texts(keys: RootPath.problem, .line)
            noteEntries(of: reader)
        }
        temporary = try object.optional("temporary").map { (value) throws(FileError) in try size(value) }
        home = try object.optional("home").map { (value) throws(FileError) in try size(value) }
        if let value = object.optional("processes") {
            processes = try value.choice()
            note(value.path, value)
        }
        if let reader = object.optional("installations") {
            installations = try reader.map(keys: ProgramName.problem) { (value) throws(FileError) in
                try value.text(checkedBy: RootPath.problem)
            }
            noteEntries(of: reader)
        }
        if let value = object.optional("workspace") {
            workspace = try value.choice()
            note(value.path, value)
        }
    }

    private mutating func size(_ reader: ValueReader) throws(FileError) -> ByteCount {
        let size = try reader.object(Shapes.volume).required("size")
        note(size.path, size)
        return try size.byteCount(atLeast: ByteCount(bytes: 4096))
    }

    private mutating func readEtc(_ reader: ValueReader) throws(FileError) {
        let object = try reader.object(Shapes.etc)
        etc.copy = try words(object.optional("copy"), EtcPath.problem)
        if let reader = object.optional("files") {
            etc.files = try reader.texts(keys: RelativePath.problem, .block)
            noteEntries(of: reader)
        }
    }

    private mutating func readEnvironment(_ reader: ValueReader) throws(FileError) {
        let object = try reader.object(Shapes.environment)
        environment.allow = try words(object.optional("allow"), VariablePattern.problem)
        if let reader = object.optional("set") {
            environment.set = try reader.variables()
            noteEntries(of: reader)
        }
    }

    private mutating func readSystemCalls(_ reader: ValueReader) throws(FileError) {
        let object = try reader.object(Shapes.systemCalls)
        systemCalls.allow = try words(object.optional("allow"), SystemCallName.problem)
        let deny = object.optional("deny")
        systemCalls.deny = try words(deny, SystemCallName.problem)
        for item in try deny?.items() ?? [] {
            let name = try item.text()
            if lines["systemCalls.allow.\(name)"] != nil {
                throw item.refuse("is `\(name)`, which this file also allows")
            }
        }
    }

    private mutating func readNetwork(_ reader: ValueReader) throws(FileError) {
        network = try reader.networkRules()
        let object = try reader.object(Shapes.network)
        for (list, entries) in [("allow", network.allow ?? []), ("deny", network.deny)] {
            for (entry, item) in zip(entries, try object.optional(list)?.items() ?? []) {
                let path = "network.\(list).\(entry)"
                if lines[path] != nil { throw item.refuse("repeats `\(Excerpt.of("\(entry)"))`") }
                note(path, item)
            }
        }
        if let value = object.optional("tripwire") { note(value.path, value) }
    }

    private mutating func readLayers(_ reader: ValueReader) throws(FileError) {
        for item in try reader.object(Shapes.layers).required("required").items() {
            let layer = try item.choice(Layer.self)
            let path = "layers.required.\(layer.rawValue)"
            if lines[path] != nil { throw item.refuse("repeats `\(layer.rawValue)`") }
            requiredLayers.append(layer)
            note(path, item)
        }
    }

    private mutating func readTests(_ reader: ValueReader) throws(FileError) {
        let items = try reader.items()
        if items.count > ProfileTest.countLimit {
            throw reader.refuse("has more than \(ProfileTest.countLimit) tests", hint: "let one script do more")
        }
        var names: Set<String> = []
        for item in items {
            for var test in try item.profileTests() {
                guard names.insert(test.name).inserted else {
                    throw item.refuse(
                        "repeats the test `\(Excerpt.of(test.name))`", hint: "give it a `name` of its own")
                }
                test.origin = Origin(profile: name, line: item.node.position.line)
                tests.append(test)
            }
        }
    }

    /// The texts of a list without repetition, each with its line.
    private mutating func words(
        _ reader: ValueReader?, _ problem: (String) -> String?
    ) throws(FileError) -> [String] {
        var words: [String] = []
        for item in try reader?.items() ?? [] {
            let word = try item.text(checkedBy: problem)
            let path = "\(reader?.path ?? "").\(word)"
            if lines[path] != nil { throw item.refuse("repeats `\(Excerpt.of(word))`") }
            words.append(word)
            note(path, item)
        }
        return words
    }

    private mutating func note(_ path: String, _ reader: ValueReader) {
        lines[path] = reader.node.position.line
    }

    private mutating func noteEntries(of reader: ValueReader) {
        guard case .map(let entries) = reader.node.content else { return }
        for entry in entries { lines["\(reader.path).\(entry.key)"] = entry.value.position.line }
    }
}

extension ValueReader {
    /// A bind as a map, or its path alone for a read-only one at the same place.
    fileprivate func bind() throws(FileError) -> Bind {
        if case .scalar = node.content {
            let path = try text(checkedBy: BindSource.problem)
            if let problem = RootPath.problem(path) { throw refuse("is `\(Excerpt.of(path))`, which \(problem)") }
            return Bind(source: path)
        }
        let object = try object(Shapes.bind)
        let source = try object.required("source")
        let path = try source.text(checkedBy: BindSource.problem)
        let target = try object.optional("target")?.text(checkedBy: RootPath.problem)
        if target == nil, let problem = RootPath.problem(path) {
            throw source.refuse("is `\(Excerpt.of(path))`, which \(problem)")
        }
        return Bind(
            source: path,
            target: target,
            mode: try object.optional("mode")?.choice() ?? .read,
            execute: try object.optional("execute")?.boolean() ?? true,
            required: try object.optional("required")?.boolean() ?? true
        )
    }
}
