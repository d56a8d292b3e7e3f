// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import RemitJournal
internal import RemitSandbox
internal import RemitTask

struct ProfileGroups: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "groups",
        abstract: "List the named groups of system calls that profiles may allow and deny, or the calls of one.",
        discussion: "Names and meanings are those of systemd's sets, where it has them."
    )
    @Argument(help: ArgumentHelp("A group, such as @network-io; the @ may be left out.", valueName: "group"))
    var name: String?
    @OptionGroup var formatOption: FormatOption

    func run() throws {
        _ = try Context()
        if let name { try show(name) } else { list() }
    }

    private func list() {
        switch formatOption.format {
        case .json:
            Output.json(
                .array(
                    SystemCallGroup.all.map {
                        ["name": .string($0.name), "purpose": .string($0.purpose), "calls": .strings($0.calls)]
                    }))
        case .table:
            var table = Table(columns: ["GROUP", "CALLS", "WHAT FOR"])
            for group in SystemCallGroup.all { table.rows.append([group.name, "\(group.calls.count)", group.purpose]) }
            Output.table(table)
        }
    }

    private func show(_ name: String) throws {
        let wanted = SystemCallGroup.isGroup(name) ? name : "@" + name
        guard let group = SystemCallGroup.named(wanted) else {
            let ending = Spelling.ending(for: wanted, among: SystemCallGroup.all.map(\.name))
            throw Output.fail(
                "unknown group of system calls `\(wanted)`\(ending)", hint: "`remit profile groups` shows all", code: 64
            )
        }
        let nested = group.members.filter(SystemCallGroup.isGroup)
        switch formatOption.format {
        case .json:
            Output.json([
                "name": .string(group.name), "purpose": .string(group.purpose), "groups": .strings(nested),
                "calls": .array(
                    group.calls.map { ["name": .string($0), "builtIn": .string(Self.place($0))] }),
            ])
        case .table:
            Output.write("\(group.name): \(group.purpose)\n")
            if !nested.isEmpty { Output.write("holds \(nested.joined(separator: " "))\n") }
            Output.write("\n")
            var table = Table(columns: ["CALL", "WITHOUT A PROFILE"])
            for call in group.calls { table.rows.append([call, Self.place(call)]) }
            Output.table(table)
        }
    }

    /// What the built-in table says of a call.
    private static func place(_ call: String) -> String {
        if SystemCallTable.forbidden.contains(call) { return "floor" }
        if SystemCallTable.absent[call] != nil { return "absent" }
        if SystemCallTable.conditional.contains(call) { return "by its arguments" }
        return SystemCallTable.plain.contains(call) ? "allowed" : "absent, may be allowed"
    }
}
