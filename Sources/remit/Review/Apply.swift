// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import RemitJournal
internal import RemitSession
internal import RemitWorkspace

struct Apply: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring what a session changed into its workspace.",
        discussion: """
            Every path is brought along whole or not at all, and said. Left out is what the task's outcome does not \
            allow, what others have changed since the session began, what the host may execute without being asked to \
            (unless it is named), and never applied are devices, set-id files, and links that lead out. Exit code 0 when \
            all that was asked for is there, 1 when something is not, 126 for a session that was ended for exceeding its \
            scope. An apply that was interrupted can be repeated.
            """
    )

    @Argument(help: "The session, or the beginning of its identifier.")
    var session: String
    @Option(parsing: .upToNextOption, help: "Only these paths, directories with what is in them, or patterns.")
    var paths: [String] = []
    @Flag(help: "Apply what is flagged or guarded as well, and what a session did that exceeded its scope.")
    var force = false
    @OptionGroup var formatOption: FormatOption

    func run() throws {
        let context = try Context()
        let results: [ImportResult]
        let left: ReviewState
        do {
            let review = try SessionReview(context.record(session), in: context.directories)
            results = try review.apply(ImportSelection(names: paths, isForced: force))
            left = context.store.review(review.record.session, review.record.history)
        } catch let error as SessionError {
            throw Output.fail(error)
        }
        show(results, left)
        if results.contains(where: \.isMissing) { throw ExitCode(1) }
    }

    private func show(_ results: [ImportResult], _ left: ReviewState) {
        switch formatOption.format {
        case .json:
            Output.json([
                "change": .string(left.rawValue),
                "results": .array(
                    results.map { result in
                        let (state, reason) = Self.words(result)
                        return [
                            "path": .string(result.change.path.description),
                            "change": .string(result.change.kind.rawValue), "state": .string(state),
                            "reason": .optional(reason),
                        ]
                    }),
            ])
        case .table:
            var table = Table(columns: ["RESULT", "CHANGE", "MODE", "PATH", "REASON"])
            for result in results where result.state != .left {
                let (state, reason) = Self.words(result)
                let change = result.change
                table.rows.append(
                    [state, change.letter, ChangeView.modes(change), ChangeView.path(change), reason ?? ""])
            }
            Output.table(table)
        }
    }

    private static func words(_ result: ImportResult) -> (String, String?) {
        switch result.state {
        // Nothing was asked for that could be done.
        case .applied where result.change.kind == .attributes: ("unchanged", result.change.remainder)
        case .applied: ("applied", result.change.remainder)
        case .left: ("left", nil)
        case .refused(let reason): ("refused", reason)
        case .failed(let reason): ("failed", reason)
        }
    }
}
