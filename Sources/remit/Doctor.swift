// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import RemitJournal
internal import RemitKernel
internal import RemitSandbox
internal import RemitSession
internal import RemitTask

struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what this host can enforce, how, and what to change.",
        discussion: "Exit code 0 when the profile could start, 126 when a required layer is missing."
    )

    @Option(help: "The profile to look at it for.")
    var profile: String?
    @OptionGroup var configurationOption: ConfigurationOption
    @OptionGroup var formatOption: FormatOption

    func run() throws {
        let context = try Context()
        let configuration = try context.configuration(configurationOption.path)
        let resolved: Profile
        do { resolved = try context.catalogue.resolve(profile ?? configuration.defaultProfile) } catch {
            throw Output.fail(error.description, hint: error.hint, code: 64)
        }
        let host = HostSupport.probe()
        var limits = resolved.limits
        if limits.memory == nil { limits.memory = ByteCount("1GiB") }
        if limits.processes == nil { limits.processes = 512 }
        if limits.cpu == nil { limits.cpu = 1 }
        let here = (try? FileSystem.facts(following: ".")).flatMap { BlockDevice(of: $0.device) }
        let plan = EnforcementPlan(profile: resolved, limits: limits, host: host, disk: here, excused: [])
        switch formatOption.format {
        case .json:
            Output.json([
                "kernel": .string(host.kernel), "user": .string(host.isRoot ? "root" : "ordinary"),
                "landlock": .integer(host.landlock.abi), "profile": .string(resolved.name),
                "cgroup": .optional(host.cgroupParent), "layers": LayerView.json(plan),
                "startable": .bool(plan.refusals.isEmpty),
            ])
        case .table:
            Output.write(
                "kernel \(host.kernel), \(host.isRoot ? "root" : "ordinary user"), profile \(resolved.name)\n\n")
            Output.table(LayerView.table(plan))
        }
        if !plan.refusals.isEmpty { throw ExitCode(126) }
    }
}
