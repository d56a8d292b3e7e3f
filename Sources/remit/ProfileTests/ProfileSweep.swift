// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// What the process that outlives a killed `remit profile test` runs.
struct ProfileSweep: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep", abstract: "Remove what a killed `remit profile test` left.", shouldDisplay: false)
    @Argument(help: "Its directory.")
    var directory: String

    func run() throws {
        _ = try Context()
        guard ProfileTestGround.sweep(directory) else {
            throw Output.fail("`\(directory)` is not left of a test, or cannot be removed", code: 1)
        }
    }
}
