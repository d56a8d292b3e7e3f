// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Cedar policies: check, format, validate, ask, translate, compare.",
        discussion: """
            Files hold policies or a schema in Cedar's text form, or its JSON form; entities and requests are JSON. \
            Answers go to standard output as JSON, what is wrong to standard error. Exit code 0 when all is well, 1 when \
            the policies are not valid or not as they should be, 64 when something cannot be read.
            """,
        subcommands: [
            PolicyCheck.self, PolicyFormat.self, PolicyValidate.self, PolicyAuthorize.self, PolicyTranslate.self,
            PolicyProve.self,
        ]
    )
}

/// The exit codes of `remit policy` besides 0.
enum PolicyExit {
    /// The answer is no: not valid, not formatted, not proved.
    static let refused: CInt = 1
    /// Something cannot be read.
    static let malformed: CInt = 64
}
