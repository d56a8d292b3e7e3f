// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import RemitJournal
internal import RemitKernel
internal import RemitSession
internal import RemitWorkspace

struct Diff: ParsableCommand {
    /// How a change is shown.
    enum Style: String, ExpressibleByArgument, CaseIterable {
        case table, json, patch
    }

    static let configuration = CommandConfiguration(
        abstract: "Show what a session would change of its workspace, and what to look at.",
        discussion: """
            For a session whose workspace has mode `overlay`, once it is over. What is `noted` deserves a look; what is \
            `flagged` the host may execute without being asked to, and `remit apply` wants it named or forced; what is \
            `guarded` it wants forced; what is `refused` it never applies. A patch holds what git can hold: no \
            directories, and of modes only whether a file can be executed.
            """
    )

    @Argument(help: "The session, or the beginning of its identifier.")
    var session: String
    @Option(help: "How to show it: table, json or patch.")
    var format: Style = .table

    func run() throws {
        let context = try Context()
        let review: SessionReview
        let changes: [Change]
        do {
            review = try SessionReview(context.record(session), in: context.directories)
            changes = try review.changes()
        } catch let error as SessionError {
            throw Output.fail(error)
        }
        switch format {
        case .table: Output.table(ChangeView.table(changes))
        case .json:
            Output.json([
                "session": .string(review.record.session), "workspace": .string(review.workspace),
                "change": .string(review.record.review.rawValue),
                "digest": .optional(review.record.history.changes?.digest),
                "changes": .array(changes.map(ChangeView.json)),
            ])
        case .patch:
            // A file gets the bytes; a terminal gets nothing that it would obey.
            let isTerminal = RawTerminal.isTerminal(1)
            review.writePatch(changes) { patch in
                if isTerminal {
                    Output.write(printable(patch))
                } else {
                    try? FileSystem.writeAll(1, patch, name: "output")
                }
            }
        }
    }

    private func printable(_ patch: [UInt8]) -> String {
        patch.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
            line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false).map {
                Terminal.printable(String(decoding: $0, as: UTF8.self))
            }.joined(separator: "\t")
        }.joined(separator: "\n")
    }
}
