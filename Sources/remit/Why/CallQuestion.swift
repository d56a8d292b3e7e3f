// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import RemitKernel
internal import RemitSandbox
internal import RemitTask

/// A system call as somebody writes it on a command line, and what a filter says to it.
struct CallQuestion {
    let explainer: SystemCallExplainer

    init(_ changes: ProfileSystemCalls, origins: [String: Origin], notify: Bool) throws {
        do { explainer = try SystemCallExplainer(changes, origins: origins, notify: notify) } catch {
            throw Output.fail(error.description, hint: error.hint, code: 64)
        }
    }

    func answer(_ call: String, _ arguments: [String]) throws -> Answer {
        let found: SystemCallExplainer.Answer
        let number = try Self.number(call)
        let values = try Self.values(arguments)
        do { found = try explainer.answer(number, values) } catch { throw Output.fail(error.description, code: 125) }
        let verdict = FilterView.words(found.verdict)
        let opinion = Opinion(
            "seccomp", found.verdict == .allow ? .allows : .denies, "\(verdict) (\(Self.reason(found.source)))",
            line: Self.line(found.source))
        return Answer(call, resolved: found.name ?? "call \(found.number)", [opinion])
    }

    private static func reason(_ source: SystemCallSource) -> String {
        guard case .profile(let word, let list, _) = source else { return source.description }
        return "the profile: \(list) \(word)"
    }

    private static func line(_ source: SystemCallSource) -> DecidingLine {
        guard case .profile(let word, let list, _) = source else { return .builtIn(source.description) }
        return .profile("systemCalls.\(list).\(word)")
    }

    // MARK: words

    static func number(_ call: String) throws -> UInt32 {
        if let number = SystemCallNumbers.number(of: call) { return UInt32(bitPattern: number) }
        if let number = UInt32(call), call.first?.isNumber == true { return number }
        if call == "-1" { return .max }
        let ending =
            SystemCallNumbers.isKnown(call)
            ? ": another architecture has it" : Spelling.ending(for: call, among: SystemCallNumbers.names)
        throw Output.fail("unknown system call `\(call)`\(ending)", code: 64)
    }

    static func values(_ arguments: [String]) throws -> [UInt64] {
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
}
