// SPDX-License-Identifier: Apache-2.0
// From the line that decides, as the layers know it, to the file and the line that a person can open.

internal import RemitJournal
internal import RemitSandbox
internal import RemitTask

/// Where the values of one session were written.
struct LineBook {
    /// A place in a file, or the words for something that stands in none.
    struct Place: Hashable {
        /// What is there: `filesystem.binds./usr`, or the rule's own words.
        let value: String
        /// `/etc/remit/profiles/web.yaml:7`, `built-in profile base:7`, `task.yaml:3`.
        let text: String
        var file: String?
        var line: Int?
        var profile: String?

        var json: JSONValue {
            [
                "value": .string(value), "text": .string(text), "file": .optional(file), "line": .optional(line),
                "profile": .optional(profile),
            ]
        }
    }

    private let origins: [String: Origin]
    private let files: [String: String]
    private let task: DecodedFile<TaskSpecification>?

    init(origins: [String: Origin], files: [String: String], task: DecodedFile<TaskSpecification>?) {
        self.origins = origins
        self.files = files
        self.task = task
    }

    /// Where the values of a session were written, as its description says it.
    static func origins(_ description: JSONValue) -> [String: Origin] {
        var origins: [String: Origin] = [:]
        for value in description["values"]?.elements ?? [] {
            guard let path = value["path"]?.text, let parts = value["origin"]?.text?.split(separator: ":"),
                parts.count == 2, let line = Int(parts[1])
            else { continue }
            origins[path] = Origin(profile: String(parts[0]), line: line)
        }
        return origins
    }

    init(_ profile: Profile, _ catalogue: ProfileCatalogue, task: DecodedFile<TaskSpecification>?) {
        self.init(origins: profile.origins, files: catalogue.files, task: task)
    }

    func place(of line: DecidingLine) -> Place {
        switch line {
        case .profile(let path): profile(path)
        case .task(let path): task(path)
        case .rule(let label): rule(label)
        case .builtIn(let what): Place(value: what, text: "built in: \(what)")
        }
    }

    /// A value of the profile, by its path.
    func profile(_ path: String) -> Place {
        guard let origin = origins[path] else { return Place(value: path, text: "\(path): the default, in no file") }
        return place(path, origin)
    }

    /// What of the profile brings in the directory that a path lies in.
    func bind(of path: String) -> Place? {
        let list = "filesystem.binds."
        let targets = origins.keys.filter { $0.hasPrefix(list) }.map { $0.dropFirst(list.count) }
        let target = targets.filter { path == $0 || path.hasPrefix("\($0)/") }.max { $0.utf8.count < $1.utf8.count }
        return target.map { profile(list + $0) }
    }

    private func place(_ value: String, _ origin: Origin) -> Place {
        let text = files[origin.profile].map { "\($0):\(origin.line)" } ?? "built-in profile \(origin)"
        return Place(
            value: value, text: text, file: files[origin.profile], line: origin.line, profile: origin.profile)
    }

    private func task(_ path: String) -> Place {
        guard let task, task.names(path) else {
            return Place(value: path, text: "\(path): of the task, in no file")
        }
        let line = task.position(of: path).line
        return Place(value: path, text: "\(task.file):\(line)", file: task.file, line: line)
    }

    /// A rule's label says where it was written, in one of the forms that network plans give it.
    private func rule(_ label: String) -> Place {
        let words = label.split(separator: " ", maxSplits: 2).map(String.init)
        if words.count > 1, words[0] == "profile" {
            let parts = words[1].split(separator: ":")
            if parts.count == 2, let line = Int(parts[1]) {
                return place(label, Origin(profile: String(parts[0]), line: line))
            }
        }
        if let task, let colon = label.firstRange(of: ": network."),
            label[..<colon.lowerBound] == task.file.split(separator: "/").last ?? ""
        {
            let path = label[label.index(colon.lowerBound, offsetBy: 2)...].prefix { $0 != " " }
            let line = task.position(of: String(path)).line
            return Place(value: label, text: "\(task.file):\(line)", file: task.file, line: line)
        }
        return Place(value: label, text: label)
    }
}

extension ProfileCatalogue {
    /// The file of every profile that has one.
    var files: [String: String] {
        Dictionary(
            names().compactMap { summary in summary.file.map { (summary.name, $0) } },
            uniquingKeysWith: { first, _ in first })
    }
}
