// SPDX-License-Identifier: Apache-2.0
// Finding profiles by name: the operator's directories first, then those built in.

/// One profile in a listing.
package struct ProfileSummary: Hashable, Sendable, Codable {
    /// Its name.
    package let name: String
    /// One line on what it is for.
    package let description: String?
    /// The name of its parent.
    package let extends: String?
    /// Its file; nothing for one that is built in.
    package let file: String?
    /// Why it cannot be used, where its file is refused.
    package let problem: String?
}

/// The profiles that a host has.
package struct ProfileCatalogue: Sendable {
    /// Longer chains are refused: nobody could say what they amount to.
    package static let longestChain = 16

    private let directories: [String]
    private let readsTests: Bool
    /// Profiles that no file has, by name; they hide all others of their name.
    private var texts: [String: String]
    /// Profiles of files that were named one by one, by name; they hide those of the directories.
    private var named: [String: DecodedFile<ProfileLayer>] = [:]

    /// Makes a catalogue; a profile of an earlier directory hides those of the same name in later ones and built in.
    ///
    /// - Parameters:
    ///   - tests: the tests of the built-in profiles are read as well, which starting a session does without.
    ///   - texts: profiles that no file has, by name.
    package init(directories: [String] = [], tests: Bool = false, texts: [String: String] = [:]) {
        self.directories = directories
        self.texts = texts
        readsTests = tests
    }

    /// The same profiles, and that of a file that somebody named: it hides any other of its name.
    package func adding(_ file: DecodedFile<ProfileLayer>) -> ProfileCatalogue {
        var copy = self
        copy.named[file.value.name] = file
        return copy
    }

    /// The same profiles, and one that no file has, under a name.
    package func adding(text: String, named name: String) -> ProfileCatalogue {
        var copy = self
        copy.texts[name] = text
        return copy
    }

    /// Every profile by name, sorted; those that are refused say why.
    package func names() -> [ProfileSummary] {
        knownNames.map { name in
            do throws(FileError) {
                guard let found = try find(name) else {
                    return ProfileSummary(name: name, description: nil, extends: nil, file: nil, problem: "not found")
                }
                let layer = found.layer.value
                return ProfileSummary(
                    name: name, description: layer.description, extends: layer.extends,
                    file: found.isBuiltIn ? nil : found.layer.file, problem: nil
                )
            } catch {
                return ProfileSummary(
                    name: name, description: nil, extends: nil, file: error.file, problem: error.description
                )
            }
        }
    }

    /// The profile of a name with everything it extends merged in.
    ///
    /// - Parameter wanted: An error at the place where the name was written, for when it is unknown.
    /// - Throws: `FileError` when it is unknown, when a file of the chain is refused, or when the chain never ends.
    package func resolve(_ name: String, wanted: FileError? = nil) throws(FileError) -> Profile {
        guard Name.problem(name) == nil, let found = try find(name) else {
            throw FileError(
                file: wanted?.file ?? "", line: wanted?.line ?? 0, column: wanted?.column ?? 0, message: unknown(name),
                hint: "`remit profile list` shows all"
            )
        }
        return try resolve(found.layer)
    }

    /// A profile file from anywhere with everything it extends merged in.
    ///
    /// - Throws: `FileError` when a file of the chain is unknown or refused, or when the chain never ends.
    package func resolve(_ file: DecodedFile<ProfileLayer>) throws(FileError) -> Profile {
        ProfileMerge.resolve(try chain(file).map(\.value))
    }

    /// The files of the operator's that a profile is made of, by their profiles' names; those built in have none.
    package func files(of file: DecodedFile<ProfileLayer>) throws(FileError) -> [String: String] {
        let own = try chain(file).map { ($0.value.name, $0.file) }.filter { $0.1.hasPrefix("/") }
        return Dictionary(own, uniquingKeysWith: { first, _ in first })
    }

    /// The file of a name.
    ///
    /// - Throws: `FileError` when it is unknown or refused.
    package func file(_ name: String) throws(FileError) -> DecodedFile<ProfileLayer> {
        guard Name.problem(name) == nil, let found = try find(name) else {
            throw FileError(
                file: "", line: 0, column: 0, message: unknown(name), hint: "`remit profile list` shows all")
        }
        return found.layer
    }

    private func chain(_ file: DecodedFile<ProfileLayer>) throws(FileError) -> [DecodedFile<ProfileLayer>] {
        var chain = [file]
        while let last = chain.last, let parent = last.value.extends {
            let lineage = chain.map(\.value.name)
            if lineage.contains(parent) || chain.count == Self.longestChain {
                let path = (lineage + [parent]).map { "`\($0)`" }.joined(separator: " extends ")
                let problem = lineage.contains(parent) ? "never ends" : "is too long a chain"
                throw last.error(at: "extends", "\(path), which \(problem)")
            }
            guard let found = try find(parent) else { throw last.error(at: "extends", unknown(parent)) }
            chain.append(found.layer)
        }
        return chain
    }

    /// The files of these profiles, of those that have one.
    package func files(of names: [String]) -> [String: String] {
        Dictionary(
            names.compactMap { name in
                if let file = named[name] { return (name, file.file) }
                return directories.lazy.map { "\($0)/\(name).yaml" }
                    .first { (try? BoundedFile.readIfPresent($0)) ?? nil != nil }.map { (name, $0) }
            }, uniquingKeysWith: { first, _ in first })
    }

    private func unknown(_ name: String) -> String {
        "unknown profile `\(Excerpt.of(name))`\(Spelling.ending(for: name, among: knownNames))"
    }

    private var knownNames: [String] {
        let own = directories.flatMap(BoundedFile.documents).filter { Name.problem($0) == nil }
        return Set(own).union(named.keys).union(BuiltInProfiles.texts.map(\.name)).sorted()
    }

    private func find(_ name: String) throws(FileError) -> (layer: DecodedFile<ProfileLayer>, isBuiltIn: Bool)? {
        if let text = texts[name] {
            return (try ProfileLayer.decode(bytes: Array(text.utf8), file: "profile \(name)"), true)
        }
        if let file = named[name] { return (file, false) }
        for directory in directories {
            let path = "\(directory)/\(name).yaml"
            guard let bytes = try BoundedFile.readIfPresent(path) else { continue }
            let layer = try ProfileLayer.decode(bytes: bytes, file: path)
            guard layer.value.name == name else {
                throw layer.error(at: "name", "`name` is `\(layer.value.name)`, but the file's name says `\(name)`")
            }
            return (layer, false)
        }
        guard let builtIn = BuiltInProfiles.texts.first(where: { $0.name == name }) else { return nil }
        let text = readsTests ? builtIn.text + builtIn.tests : builtIn.text
        return (try ProfileLayer.decode(bytes: Array(text.utf8), file: "built-in profile \(name)"), true)
    }
}
