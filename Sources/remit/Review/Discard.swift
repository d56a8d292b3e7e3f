// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import RemitSession

struct Discard: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Remove for good what a session changed and nobody applied.",
        discussion: "The workspace stays as it is. That it was discarded is recorded beside the session's journal."
    )

    @Argument(help: "The session, or the beginning of its identifier.")
    var session: String

    func run() throws {
        let context = try Context()
        do { try SessionReview.discard(context.record(session), in: context.directories) } catch let error
            as SessionError
        {
            throw Output.fail(error)
        }
    }
}
