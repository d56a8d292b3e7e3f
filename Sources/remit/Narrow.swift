// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import RemitJournal
internal import RemitSession

struct Narrow: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take hosts away from a running session.",
        discussion: """
            What is taken away does not come back, and nothing is ever given: connections that are no longer allowed are \
            cut, and names are not resolved any more.
            """
    )

    @Argument(help: "The session, or the beginning of its identifier.")
    var session: String
    @Option(name: .customLong("deny-host"), help: "Not HOST[:PORT], *.DOMAIN, an address or a block any more.")
    var denied: [String] = []
    @Option(name: .customLong("only-host"), help: "Nothing but this any more.")
    var only: [String] = []

    func run() throws {
        let context = try Context()
        guard !denied.isEmpty || !only.isEmpty else {
            throw Output.fail("no host is named", hint: "add `--deny-host` or `--only-host`", code: 64)
        }
        do {
            let session = try context.store.resolve(session)
            let body: JSONValue = ["deny": .strings(denied), "only": .strings(only)]
            let response: ControlResponse
            do {
                response = try ControlClient.ask(
                    context.directories.control(session), "POST", "/narrow", body: body.canonicalBytes
                )
            } catch {
                throw SessionError(.failed, "session `\(session)` is not running")
            }
            guard response.status == 200 else {
                let reason = (try? JSONValue(parsing: response.body))?["error"]?.text ?? "status \(response.status)"
                throw SessionError(response.status == 400 ? .usage : .failed, reason)
            }
        } catch let error as SessionError {
            throw Output.fail(error)
        }
    }
}
