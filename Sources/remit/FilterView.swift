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
        files = Dictionary(
            catalogue.names().compactMap { summary in summary.file.map { (summary.name, $0) } },
            uniquingKeysWith: { first, _ in first })
    }

    func show(_ call: String?, _ arguments: [String], _ format: Format) throws {
        if let call { return try show(try number(call), try values(arguments), format) }
        if let argument = arguments.first {
            throw Output.fail("`--argument \(argument)` belongs to no call", hint: "say which: `--call NAME`", code: 64)
        }
        try showAll(format)
    }

    private func number(_ call: String) throws -> UInt32 {
        if let number = SystemCallNumbers.number(of: call) { return UInt32(bitPattern: number) }
        if let number = UInt32(call), call.first?.isNumber == true { return number }
        if call == "-1" { return .max }
        let ending =
            SystemCallNumbers.isKnown(call)
            ? ": another architecture has it" : Spelling.ending(for: call, among: SystemCallNumbers.names)
        throw Output.fail("unknown system call `\(call)`\(ending)", code: 64)
    }

    private func values(_ arguments: [String]) throws -> [UInt64] {
        var values: [UInt64] = Array(repeating: 0, count: 6)
        var known: Set<Int> = []
        for argument in arguments {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0].count == 1, let index = Int(parts[0]), values.indices.contains(index)
            else {
                throw Output.fail(
                    "`\(argument)` is no argument of a system call", hint: "write its index and value: `1=0x5412`",
                    code: 64)
            }
            guard let value = SystemCallConstants.value(String(parts[1])) else {
                let ending = Spelling.ending(for: String(parts[1]), among: Array(SystemCallConstants.byName.keys))
                throw Output.fail("`\(parts[1])` is no value of an argument\(ending)", code: 64)
            }
            guard known.insert(index).inserted else {
                throw Output.fail("argument \(index) is given twice", code: 64)
            }
            values[index] = value
        }
        return values
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

    private static func words(_ verdict: FilterProgram.Verdict) -> String {
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
