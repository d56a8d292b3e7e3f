// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import RemitKernel
internal import RemitSandbox
internal import RemitTask

struct ProfileExport: ParsableCommand {
    /// What a filter is written as.
    enum Form: String, ExpressibleByArgument, CaseIterable {
        case bpf, pfc, oci
    }

    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a profile's system-call filter for other programs.",
        discussion: """
            `bpf` is the program as seccomp(2) takes it, `pfc` libseccomp's readable form of it, `oci` the JSON of \
            container engines. Refused calls get EPERM, for there is no supervisor to count them.
            """
    )
    @Argument(help: "A profile's name, or a file, which has a / or ends in .yaml.")
    var name: String
    @Option(help: "bpf, pfc or oci.")
    var format: Form

    func run() throws {
        let profile = try ProfileArgument.load(name, Context()).profile
        if format == .bpf, RawTerminal.isTerminal(1) {
            throw Output.fail("a filter is no text", hint: "redirect standard output to a file", code: 64)
        }
        do {
            let policy = try SystemCallPolicy(profile.systemCalls, origins: profile.origins, notify: false)
            switch format {
            case .bpf:
                try FileSystem.writeAll(1, try policy.filter.compiled(), name: "standard output")
            case .pfc:
                Output.write(try policy.filter.pseudoCode())
            case .oci: Output.json(OCIExport.json(policy))
            }
        } catch let error as SandboxError {
            throw Output.fail(error.description, hint: error.hint, code: 64)
        } catch {
            throw Output.fail("cannot export `\(name)`: \(error)", code: 125)
        }
    }
}
