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
        discussion: """
            Exit code 0 when the profile could start, 126 when a required layer is missing. With `--prove` it is tried: \
            in real sessions on this host, among canaries, a program attempts what no agent may do. Exit code 0 when \
            every attempt was stopped, 1 when one got through or a canary was touched, 125 when that could not be found \
            out.
            """
    )

    @Option(help: "The profile to look at it for.")
    var profile: String?
    @Flag(help: "Attempt in a real session what no agent may do, and say what stopped each attempt.")
    var prove = false
    @OptionGroup var configurationOption: ConfigurationOption
    @OptionGroup var formatOption: FormatOption

    func run() throws {
        let context = try Context()
        let configuration = try context.configuration(configurationOption.path)
        let resolved: Profile
        do { resolved = try context.catalogue.resolve(profile ?? configuration.defaultProfile) } catch {
            throw Output.fail(error.description, hint: error.hint, code: 64)
        }
        let host = HostSupport.probe().tried()
        var limits = resolved.limits
        if limits.memory == nil { limits.memory = ByteCount("1GiB") }
        if limits.processes == nil { limits.processes = 512 }
        if limits.cpu == nil { limits.cpu = 1 }
        let here = (try? FileSystem.facts(following: ".")).flatMap { BlockDevice(of: $0.device) }
        let plan = EnforcementPlan(
            profile: resolved, limits: limits, host: host, disk: here, gate: EgressSupport.probe(),
            overlay: overlay(context), excused: []
        )
        let isStartable = plan.refusals.allSatisfy { $0.layer == .overlay }
        let report = prove && isStartable ? try proof(resolved, context) : nil
        switch formatOption.format {
        case .json:
            var members: [String: JSONValue] = [
                "kernel": .string(host.kernel), "user": .string(host.isRoot ? "root" : "ordinary"),
                "landlock": .integer(host.landlock.abi), "profile": .string(resolved.name),
                "cgroup": .optional(host.cgroupParent), "layers": LayerView.json(plan),
                "startable": .bool(isStartable),
            ]
            if prove { members["proof"] = report.map(ProofView.json) ?? .null }
            Output.json(.object(members))
        case .table:
            Output.write(
                "kernel \(host.kernel), \(host.isRoot ? "root" : "ordinary user"), profile \(resolved.name)\n\n")
            Output.table(LayerView.table(plan))
            if let report {
                Output.write("\n")
                ProofView.show(report)
            }
        }
        // A host without overlays starts every session that does not ask for one.
        if let refusal = plan.refusals.first(where: { $0.layer != .overlay }) {
            if prove {
                throw Output.fail(
                    "nothing was tried: required layer `\(refusal.layer.rawValue)` cannot be enforced: \(refusal.detail)",
                    code: 126)
            }
            throw ExitCode(126)
        }
        if report?.isBroken == true { throw ExitCode(1) }
        if report?.isIncomplete == true { throw Output.fail("not every attempt has a result", code: 125) }
    }

    /// Tried where the layers of a session would be.
    private func overlay(_ context: Context) -> OverlaySupport {
        do { try context.directories.prepare() } catch { return .impossible("\(error)") }
        return OverlayProbe.support(state: context.directories.sessions)
    }

    private func proof(_ profile: Profile, _ context: Context) throws -> ProofReport {
        do {
            return try Proof.make(profile: profile.name, configuration: configurationOption.path, context: context)
        } catch let error as SessionError {
            throw Output.fail(error)
        } catch let interruption as Proof.Interruption {
            throw ExitCode(128 + interruption.signal)
        }
    }
}
