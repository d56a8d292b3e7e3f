// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import RemitJournal
internal import RemitKernel
internal import RemitSandbox
internal import RemitTask

struct ProfileImport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Turn a container engine's system-call policy into a profile.",
        discussion: """
            Reads the `seccomp` JSON of the OCI runtime specification, or Docker's, and prints a profile. What it allows \
            and Remit's floor does not is not taken over; that, and what a profile cannot say, is reported on standard \
            error. Rules that count only with a capability do not: an agent has none.
            """
    )
    @Argument(help: ArgumentHelp("The JSON file; - for standard input.", valueName: "file"))
    var file: String
    @Option(help: "The profile's name; that of the file when left out.")
    var name: String?

    func run() throws {
        let host = HostSupport.probe()
        _ = try Context()
        let profileName = name ?? Self.name(from: file)
        guard Self.isName(profileName) else {
            throw Output.fail(
                "`\(profileName)` is no name of a profile",
                hint: "lower case letters, digits and `-`, at most 63: give one by `--name`", code: 64)
        }
        let result: OCIImport
        do {
            result = try OCIImport(try OCISeccomp(try JSONValue(parsing: try read())), kernel: host.kernel)
        } catch let error as JSONError {
            throw Output.fail("cannot read `\(file)`: \(error)", code: 64)
        } catch let error as OCIError {
            throw Output.fail("cannot import `\(file)`: \(error)", code: 64)
        } catch let error as SystemCallError {
            throw Output.fail("cannot read `\(file)`: \(error.errno)", code: 64)
        }
        Output.write(Self.profile(profileName, result.changes))
        report(result)
    }

    private func read() throws(SystemCallError) -> [UInt8] {
        file == "-"
            ? try FileSystem.readAll(0, limit: 1 << 20, name: "standard input")
            : try FileSystem.read(file, limit: 1 << 20)
    }

    private static func isName(_ name: String) -> Bool {
        name.count <= 63 && name.wholeMatch(of: /[a-z0-9][a-z0-9-]*/) != nil
    }

    private static func name(from file: String) -> String {
        let base = file.split(separator: "/").last.map(String.init) ?? ""
        let stem = base.hasSuffix(".json") ? String(base.dropLast(5)) : base
        return stem == "-" ? "imported" : stem.lowercased()
    }

    private static func profile(_ name: String, _ changes: ProfileSystemCalls) -> String {
        var text = """
            # Made by `remit profile import` from a container engine's system-call policy.
            apiVersion: remit/v1
            kind: Profile
            name: \(name)
            description: the system calls of an imported policy
            extends: default

            """
        if changes.allow.isEmpty, changes.deny.isEmpty {
            return text + "# It allows and refuses what Remit does by itself.\n"
        }
        text += "systemCalls:\n"
        for (key, words) in [("allow", changes.allow), ("deny", changes.deny)] where !words.isEmpty {
            text += "  \(key):\n"
            for word in words { text += "    - \(SystemCallGroup.isGroup(word) ? "\"\(word)\"" : word)\n" }
        }
        return text
    }

    private func report(_ result: OCIImport) {
        let titles: [(OCIImport.Finding.Kind, String)] = [
            (.weaker, "weaker than Remit's floor, not taken over"), (.stricter, "stricter than the profile"),
            (.inexpressible, "not to be said in a profile"), (.skipped, "skipped"),
        ]
        for (kind, title) in titles {
            let findings = result.findings.filter { $0.kind == kind }
            if findings.isEmpty { continue }
            Output.write("\(title):\n", to: 2)
            for finding in findings { Output.write("  \(Terminal.printable(finding.what))\n", to: 2) }
        }
        Output.write("\(result.changes.allow.count) allowed and \(result.changes.deny.count) denied words\n", to: 2)
    }
}
