// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import RemitJournal
internal import RemitKernel
internal import RemitSandbox
internal import RemitTask

/// What `remit profile show --seccomp` shows: what happens to system calls, and because of which line.
struct FilterView {
    private let explainer: SystemCallExplainer
    private let files: [String: String]

    init(_ profile: Profile, _ catalogue: ProfileCatalogue) throws {
        do {
            explainer = try SystemCallExplainer(profile.systemCalls, origins: profile.origins, notify: true)
        } catch { throw Output.fail(error.description, hint: error.hint, code: 64) }
        files = catalogue.files
    }

    func show(_ call: String?, _ arguments: [String], _ format: Format) throws {
        if let call { return try show(try CallQuestion.number(call), try CallQuestion.values(arguments), format) }
        if let argument = arguments.first {
            throw Output.fail("`--argument \(argument)` belongs to no call", hint: "say which: `--call NAME`", code: 64)
        }
        try showAll(format)
    }

    private func answer(_ number: UInt32, _ arguments: [UInt64] = []) throws -> SystemCallExplainer.Answer {
        do { return try explainer.answer(number, arguments) } catch {
            throw Output.fail(error.description, code: 125)
        }
    }

    // MARK: one call

    private func show(_ number: UInt32, _ arguments: [UInt64], _ format: Format) throws {
        let answer = try answer(number, arguments)
        switch format {
        case .json: Output.json(json(answer))
        case .table:
            let values = arguments.map { $0 < 10 ? "\($0)" : "0x" + String($0, radix: 16) }.joined(separator: ", ")
            Output.write("call     \(answer.name ?? "number \(number)")(\(values))\n")
            Output.write("verdict  \(Self.words(answer.verdict))\n")
            Output.write("because  \(Terminal.printable(reason(answer.source)))\n")
            if answer.isAlwaysAllowed { Output.write("cost     none: the kernel does not run the filter for it\n") }
        }
    }

    private func json(_ answer: SystemCallExplainer.Answer) -> JSONValue {
        var because: [String: JSONValue] = [
            "kind": .string(answer.source.kind), "text": .string(reason(answer.source)),
        ]
        if case .profile(let word, let list, let origin) = answer.source {
            because["word"] = .string(word)
            because["list"] = .string(list)
            because["profile"] = .optional(origin?.profile)
            because["line"] = .optional(origin?.line)
            because["file"] = .optional(origin.flatMap { files[$0.profile] })
        }
        return [
            "call": .optional(answer.name), "number": .integer(Int(answer.number)),
            "arguments": .strings(answer.arguments.map { "0x" + String($0, radix: 16) }),
            "verdict": .string(answer.verdict.description), "because": .object(because),
            "argumentFree": .bool(answer.isAlwaysAllowed),
        ]
    }

    static func words(_ verdict: FilterProgram.Verdict) -> String {
        switch verdict {
        case .allow: "allowed"
        case .notify: "EPERM, reported and counted as a strike"
        case .killProcess: "the process is killed"
        default: verdict.description
        }
    }

    /// Why, with the file of the profile where it has one.
    private func reason(_ source: SystemCallSource) -> String {
        guard case .profile(let word, let list, let origin?) = source, let file = files[origin.profile] else {
            return source.description
        }
        return "\(file):\(origin.line): \(list) \(word)"
    }

    // MARK: the whole table

    private func showAll(_ format: Format) throws {
        let conditional = Set(explainer.policy.lines.filter { !$0.rule.conditions.isEmpty }.map(\.rule.name))
        var rows: [(group: String, answer: SystemCallExplainer.Answer)] = []
        var seen: Set<String> = []
        for group in SystemCallGroup.all {
            for call in group.calls where seen.insert(call).inserted {
                guard let number = SystemCallNumbers.number(of: call) else { continue }
                rows.append((group.name, try answer(UInt32(bitPattern: number))))
            }
        }
        switch format {
        case .json:
            Output.json(
                .array(
                    rows.map { group, answer in
                        var members = json(answer).members ?? [:]
                        members["group"] = .string(group)
                        members["arguments"] = nil
                        if let name = answer.name, conditional.contains(name) {
                            members["verdict"] = "by its arguments"
                            members["rules"] = rules(name)
                            members["because"] = nil
                        }
                        return .object(members)
                    }))
        case .table:
            var table = Table(columns: ["GROUP", "CALL", "VERDICT", "BECAUSE"])
            for (group, answer) in rows {
                let name = answer.name ?? "\(answer.number)"
                table.rows.append(
                    conditional.contains(name)
                        ? [group, name, "by its arguments", "built-in rules: ask with --call \(name) --argument"]
                        : [group, name, answer.verdict.description, reason(answer.source)])
            }
            Output.table(table)
            Output.write("\nEvery other number gets ENOSYS; other architectures and x32 end the process.\n")
        }
    }

    /// The rules about a call's arguments.
    private func rules(_ name: String) -> JSONValue {
        .array(
            explainer.policy.lines.filter { $0.rule.name == name }.map { line in
                [
                    "verdict": .string(line.rule.action.description), "because": .string(line.source.description),
                    "when": .array(
                        line.rule.conditions.map {
                            [
                                "argument": .integer(Int($0.argument)),
                                "mask": .string("0x" + String($0.mask, radix: 16)),
                                "value": .string("0x" + String($0.value, radix: 16)),
                            ]
                        }),
                ]
            })
    }
}
