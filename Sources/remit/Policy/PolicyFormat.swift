// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Cedar
internal import RemitKernel

struct PolicyFormat: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "format",
        abstract: "Lay out policies in the one usual way, comments kept.",
        discussion:
            "Writes to standard output; with `--in-place`, into the files; with `--check`, nothing, exit code 1."
    )
    @Argument(help: ArgumentHelp("Files of policies; - for standard input.", valueName: "file"))
    var paths: [String]
    @Flag(help: "Rewrite the files.")
    var inPlace = false
    @Flag(help: "Only say which files are laid out differently.")
    var check = false

    func validate() throws {
        if inPlace, check { throw ValidationError("either --in-place or --check") }
        if inPlace, paths.contains("-") { throw ValidationError("standard input cannot be rewritten") }
    }

    func run() throws {
        _ = try Context()
        var differs = false
        try PolicyAnswer.reporting { reader in
            for path in paths {
                let material = try PolicyMaterial(file: path)
                let text = try reader.formatted(material)
                let isSame = text.utf8.elementsEqual(material.source.bytes)
                if check {
                    if !isSame { Output.write("\(path)\n") }
                    differs = differs || !isSame
                } else if inPlace {
                    if !isSame { try rewrite(path, text) }
                } else {
                    Output.write(text)
                }
            }
        }
        if differs { throw ExitCode(PolicyExit.refused) }
    }

    private func rewrite(_ path: String, _ text: String) throws(Diagnostic) {
        do throws(SystemCallError) {
            let mode = try FileSystem.facts(following: path).mode & 0o777
            try FileSystem.replace(path, with: Array(text.utf8), mode: mode)
        } catch {
            throw Diagnostic("cannot write `\(path)`: \(error.errno)")
        }
    }
}
