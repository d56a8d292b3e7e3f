// SPDX-License-Identifier: Apache-2.0
// A session that would be: admitted and planned like one, and asked instead of started.

internal import ArgumentParser
internal import RemitKernel
internal import RemitNetwork
internal import RemitSandbox
internal import RemitSession
internal import RemitTask

struct PlannedSession {
    let book: LineBook
    let notes: [String]
    private let admitted: AdmittedSession
    private let configuration: Configuration
    private let caller: [String: String]

    init(_ why: Why, _ context: Context) throws {
        configuration = try context.configuration(why.configurationOption.path)
        caller = context.environment
        var decoded: DecodedFile<TaskSpecification>?
        var directory = "."
        if let file = why.file {
            do { decoded = try TaskFile.load(file) } catch {
                throw Output.fail(error.description, hint: error.hint, code: 64)
            }
            directory = FileSystem.parent(of: file)
        }
        var task = decoded?.value ?? TaskSpecification(name: "ad-hoc")
        var catalogue = context.catalogue
        if let profile = why.profile {
            let found = try ProfileArgument.load(profile, context)
            task.profile = found.profile.name
            catalogue = found.catalogue
        }
        let mode: WorkspaceMode? = why.overlay ? .overlay : why.readOnly ? .read : nil
        if let workspace = why.workspace {
            task.workspace = Workspace(path: try Self.absolute(workspace), mode: mode ?? .write)
        } else if let mode, let given = task.workspace {
            task.workspace = Workspace(path: given.path, mode: mode)
        } else if why.overlay {
            throw Output.fail("`--overlay` needs a workspace", hint: "add `--workspace DIRECTORY`", code: 64)
        }
        for text in why.allowedHosts {
            do throws(AllowedHost.Refusal) {
                task.network.allow = (task.network.allow ?? []) + [try AllowedHost.parse(text)]
            } catch {
                throw Output.fail("`--allow-host` \(error)", code: 64)
            }
        }
        // What it would run does not matter for any of the questions.
        if task.command?.isEmpty ?? true { task.command = ["true"] }
        let request = RunRequest(
            task: task, file: decoded, directory: try Self.absolute(directory), configuration: configuration,
            directories: context.directories, catalogue: catalogue, terminal: false,
            excused: Set(Layer.allCases), callerEnvironment: context.environment)
        do { admitted = try AdmittedSession(request) } catch { throw Output.fail(error) }
        book = LineBook(admitted.profile, catalogue, task: decoded)
        notes = Self.notes(admitted)
    }

    private static func absolute(_ path: String) throws -> String {
        do { return try FileSystem.resolved(path) } catch {
            throw Output.fail("cannot use `\(path)`: \(error.errno)", code: 64)
        }
    }

    /// What holds on this host whatever is asked.
    private static func notes(_ admitted: AdmittedSession) -> [String] {
        var notes = admitted.enforcement.layers.filter { $0.required && $0.state != .enforced }.map {
            "this host does not enforce `\($0.layer.rawValue)`, which the profile requires: `remit run` refuses "
                + "(\($0.detail))"
        }
        notes += SecurityModules.notes()
        return notes
    }

    func answer(_ why: Why, _ value: String) throws -> Answer {
        switch why.kind {
        case .path:
            let access: PathAccess = why.write ? .write : .read
            let answer = root.answer(value, to: access)
            return Answer(value, resolved: answer.resolved, answer.opinions + [try opening()])
        case .exec:
            let path = variables["PATH"] ?? "/usr/bin:/bin"
            let answer = root.answer(toRun: value, searching: path)
            return Answer(value, resolved: answer.resolved, answer.opinions + [try call("execve", [])])
        case .syscall: return try calls().answer(value, why.arguments)
        case .host: return try reach(try why.networkQuestion(value))
        case .env: return pass(value)
        }
    }

    private var root: PlannedRoot {
        let groups = CurrentProcess.isRoot ? [] : CurrentProcess.supplementaryGroups
        return PlannedRoot(
            admitted.plan, profile: admitted.profile, landlock: admitted.host.landlock, groups: groups)
    }

    private var variables: [String: String] {
        Dictionary(
            admitted.plan.launch.environment.compactMap { entry in
                entry.firstIndex(of: "=").map { (String(entry[..<$0]), String(entry[entry.index(after: $0)...])) }
            }, uniquingKeysWith: { first, _ in first })
    }

    // MARK: system calls

    private func calls() throws -> CallQuestion {
        try CallQuestion(
            admitted.profile.systemCalls, origins: admitted.profile.origins, notify: admitted.host.canReportCalls)
    }

    /// What the filter says to the call that opens files, whatever the file.
    private func opening() throws -> Opinion { try call("openat", []) }

    private func call(_ name: String, _ arguments: [String]) throws -> Opinion {
        let opinion = try calls().answer(name, arguments).opinions[0]
        return Opinion("seccomp", opinion.say, "\(name): \(opinion.detail)", line: opinion.line)
    }

    // MARK: hosts

    private func reach(_ question: NetworkQuestion) throws -> Answer {
        var fixed: [IPAddress] = []
        if case .name(let name) = question.destination { fixed = admitted.network.hosts[name] ?? [] }
        let answer = question.answer(by: admitted.network.policy, fixed: fixed)
        guard answer.isAllowed else {
            return Answer(answer.subject, resolved: answer.resolved, answer.opinions + asking(question))
        }
        var opinions = answer.opinions
        if let gate = admitted.enforcement.layers.first(where: { $0.layer == .egress }), gate.state == .missing {
            opinions.append(Opinion("egress", .denies, gate.detail))
        }
        if case .name = question.destination, fixed.isEmpty {
            opinions.append(
                Opinion("egress", .silent, "where the name leads is looked up then; special addresses are refused"))
        }
        return Answer(answer.subject, resolved: answer.resolved, opinions)
    }

    /// Where the task asks for nothing: whether it could.
    private func asking(_ question: NetworkQuestion) -> [Opinion] {
        guard admitted.task.network.allow == nil, case .name(let name) = question.destination else { return [] }
        var task = admitted.task
        task.network.allow = [.rule(NetworkRule(host: .exact(name), ports: [question.port]))]
        do {
            _ = try NetworkPlan.resolve(
                task: task, file: nil, profile: admitted.profile, configuration: configuration)
            return [Opinion("egress", .silent, "a task may ask for it: `--allow-host \(name):\(question.port)`")]
        } catch {
            return [Opinion("egress", .denies, "no task may ask for it: \(error.message)")]
        }
    }

    // MARK: variables

    private func pass(_ name: String) -> Answer {
        let profile = admitted.profile
        func answer(_ say: Opinion.Say, _ detail: String, _ line: DecidingLine?) -> Answer {
            Answer(name, resolved: nil, [Opinion("environment", say, detail, line: line)])
        }
        if admitted.task.environment[name] != nil {
            return answer(.allows, "the task sets it", .task("environment.\(name)"))
        }
        if profile.environment.set[name] != nil {
            return answer(.allows, "the profile sets it", .profile("environment.set.\(name)"))
        }
        if variables[name] != nil, !profile.environment.allows(name) {
            return answer(.allows, "every session has it", .builtIn("the session's own variables"))
        }
        let pattern = profile.environment.allow.first { pattern in
            ProfileEnvironment(allow: [pattern]).allows(name)
        }
        guard let pattern else {
            return answer(.denies, "no pattern of the profile passes it on", nil)
        }
        let held = caller[name] == nil ? "it would be passed on, and you have none" : "it is passed on"
        return answer(.allows, held, .profile("environment.allow.\(pattern)"))
    }
}
