// SPDX-License-Identifier: Apache-2.0
// From inside: what can be tried without harm is tried, and the session's own description says which line it was.

internal import ArgumentParser
internal import RemitGate
internal import RemitJournal
internal import RemitKernel
internal import RemitNetwork
internal import RemitSandbox
internal import RemitSession
internal import RemitTask

struct OwnSession {
    let book: LineBook
    private let description: JSONValue

    init() throws {
        do {
            description = try JSONValue(parsing: FileSystem.read(SessionDescription.path, limit: 1 << 20))
        } catch let error as SystemCallError {
            throw Output.fail(
                "this is not the inside of a session: \(error)", hint: "without `--self`, ask with `--profile`",
                code: 64)
        } catch {
            throw Output.fail("the description of the session cannot be read: \(error)", code: 125)
        }
        guard description["version"]?.number == SessionDescription.version else {
            throw Output.fail("the description of the session is another version's", code: 125)
        }
        book = LineBook(origins: LineBook.origins(description), files: [:], task: nil)
    }

    var notes: [String] {
        guard let session = description["session"]?.text else { return [] }
        let network =
            description["network"] == .null ? "" : "; what was narrowed since is told at http://remit.internal/v1/remit"
        return ["session \(session), as it was when it started\(network)"]
    }

    func answer(_ why: Why, _ value: String) throws -> Answer {
        switch why.kind {
        case .path: return answer(value, why.write ? .write : .read, [])
        case .exec: return run(value)
        case .syscall: return try calls().answer(value, why.arguments)
        case .host:
            let question = try why.networkQuestion(value)
            guard let network = description["network"], network != .null else { return question.answer(by: .none) }
            do { return question.answer(by: try EgressPolicy(json: network)) } catch {
                throw Output.fail("the description of the session has no readable network: \(error)", code: 125)
            }
        case .env:
            let isSet = CurrentProcess.environment[value] != nil
            let patterns = values(below: "environment.allow.")
            let pattern = patterns.first { ProfileEnvironment(allow: [$0]).allows(value) }
            let line = names("environment.set.\(value)") ?? pattern.flatMap { names("environment.allow.\($0)") }
            let detail =
                isSet ? "it is set" : line == nil ? "no pattern passes it on" : "it could be passed on, and is not set"
            return Answer(
                value, resolved: nil, [Opinion("environment", isSet ? .allows : .denies, detail, line: line)])
        }
    }

    private func calls() throws -> CallQuestion {
        let changes = ProfileSystemCalls(
            allow: description["systemCalls"]?["allow"]?.elements?.compactMap(\.text) ?? [],
            deny: description["systemCalls"]?["deny"]?.elements?.compactMap(\.text) ?? [])
        return try CallQuestion(changes, origins: [:], notify: true)
    }

    // MARK: paths

    private func answer(_ path: String, _ access: PathAccess, _ more: [Opinion]) -> Answer {
        let trial: FileSystem.Trial = access == .write ? .write : access == .execute ? .execute : .read
        let resolved = try? FileSystem.resolved(path)
        var error = FileSystem.trial(trial, of: path)
        // What is not there yet is made in its directory.
        var at = resolved ?? path
        if access == .write, error == .notFound || resolved.map(Self.isDirectory) == true {
            if error == .notFound { at = FileSystem.parent(of: at) }
            error = Self.directoryError(at)
        }
        let line = line(of: at)
        var opinions: [Opinion] = []
        switch error {
        case nil:
            opinions.append(Opinion("mounts", .allows, "it was tried, and nothing refused", line: line))
        case .notFound?, .notDirectory?:
            opinions.append(Opinion("mounts", .denies, "there is nothing here by that path", line: line))
        case .readOnlyFileSystem?:
            let isWorkspace = at == "/workspace" || at.hasPrefix("/workspace/")
            opinions.append(
                Opinion("mounts", .denies, "it is read-only", line: isWorkspace ? .task("workspace.mode") : line))
        case let error?:
            let flags = FileSystem.mountFlags(of: at)
            if access == .execute, flags?.isNoExecute == true {
                opinions.append(Opinion("mounts", .denies, "it is mounted noexec", line: line))
            } else {
                let layer = error == .denied && FileSystem.permits(trial, of: at) ? "landlock" : "permissions"
                opinions.append(Opinion(layer, .denies, "it was tried: \(error)", line: line))
            }
        }
        return Answer(path, resolved: resolved, opinions + more)
    }

    private static func isDirectory(_ path: String) -> Bool {
        (try? FileSystem.facts(following: path))?.isDirectory == true
    }

    private static func directoryError(_ path: String) -> Errno? {
        guard let flags = FileSystem.mountFlags(of: path) else { return .notFound }
        if flags.isReadOnly { return .readOnlyFileSystem }
        return FileSystem.permits(.write, of: path) ? nil : .denied
    }

    private func run(_ program: String) -> Answer {
        if program.contains("/") { return answer(program, .execute, []) }
        let path = CurrentProcess.environment["PATH"] ?? "/usr/bin:/bin"
        for directory in path.split(separator: ":") where directory.hasPrefix("/") {
            let answer = answer("\(directory)/\(program)", .execute, [])
            if answer.isAllowed { return Answer(program, resolved: answer.resolved, answer.opinions) }
        }
        return Answer(
            program, resolved: nil,
            [Opinion("mounts", .denies, "no directory of PATH has it (\(path))", line: names("environment.set.PATH"))])
    }

    // MARK: lines

    private func values(below prefix: String) -> [String] {
        (description["values"]?.elements ?? []).compactMap { $0["path"]?.text }.filter { $0.hasPrefix(prefix) }
            .map { String($0.dropFirst(prefix.count)) }
    }

    private func names(_ path: String) -> DecidingLine? {
        (description["values"]?.elements ?? []).contains { $0["path"]?.text == path } ? .profile(path) : nil
    }

    private func line(of path: String) -> DecidingLine? {
        if path == "/workspace" || path.hasPrefix("/workspace/") { return .task("workspace") }
        if path == "/tmp" || path.hasPrefix("/tmp/") { return names("filesystem.temporary.size") }
        if path == "/home/agent" || path.hasPrefix("/home/agent/") { return names("filesystem.home.size") }
        let lists = ["filesystem.binds.", "etc.copy.", "filesystem.links."]
        let found = lists.flatMap { list in values(below: list).map { (list: list, path: $0) } }
            .filter { path == $0.path || path.hasPrefix($0.path + "/") }
            .max { $0.path.utf8.count < $1.path.utf8.count }
        return found.map { .profile($0.list + $0.path) }
    }
}
