// SPDX-License-Identifier: Apache-2.0
// Where this user's sessions, keys and configuration are.

package import RemitKernel

/// The directories of one user, after the XDG base directory specification; root has the system's.
package struct Directories: Sendable {
    /// Journals, receipts and keys; survives a reboot.
    package let state: String
    /// Control sockets of live sessions.
    package let runtime: String
    /// The operator's files.
    package let configuration: String

    /// The variables that ``init(environment:)`` reads.
    package static let variables = [
        "REMIT_STATE_DIR", "REMIT_RUNTIME_DIR", "REMIT_CONFIG_DIR", "HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR",
        "XDG_CONFIG_HOME",
    ]

    /// - Parameter environment: `REMIT_STATE_DIR`, `REMIT_RUNTIME_DIR` and `REMIT_CONFIG_DIR` come first, then the XDG
    ///   variables, then the home directory of the password database.
    package init(environment: [String: String]) {
        func path(_ name: String) -> String? {
            environment[name].flatMap { $0.hasPrefix("/") ? $0 : nil }
        }
        let home = path("HOME") ?? CurrentProcess.account?.home ?? "/"
        let isRoot = CurrentProcess.isRoot
        state =
            path("REMIT_STATE_DIR")
            ?? (isRoot ? "/var/lib/remit" : (path("XDG_STATE_HOME") ?? "\(home)/.local/state") + "/remit")
        runtime =
            path("REMIT_RUNTIME_DIR")
            ?? (isRoot ? "/run/remit" : path("XDG_RUNTIME_DIR").map { "\($0)/remit" } ?? "\(state)/run")
        configuration =
            path("REMIT_CONFIG_DIR")
            ?? (isRoot ? "/etc/remit" : (path("XDG_CONFIG_HOME") ?? "\(home)/.config") + "/remit")
    }

    package var sessions: String { "\(state)/sessions" }
    package var keys: String { "\(state)/keys" }
    /// What can be made again, until the next boot.
    package var cache: String { "\(runtime)/cache" }
    /// One empty file for each session that is not finished: what a start looks at instead of all journals.
    package var unfinished: String { "\(state)/unfinished" }
    /// Held together by those that begin a journal, alone by whoever clears away what was never begun.
    package var beginning: String { "\(state)/beginning.lock" }
    package var profiles: String { "\(configuration)/profiles" }
    package var configurationFile: String { "\(configuration)/config.yaml" }

    package func session(_ identifier: String) -> String { "\(sessions)/\(identifier)" }
    package func journal(_ identifier: String) -> String { "\(session(identifier))/journal.jsonl" }
    package func receipt(_ identifier: String) -> String { "\(session(identifier))/receipt.json" }
    /// What lies over the workspace of a session of mode overlay, until somebody applies or discards it.
    package func layers(_ identifier: String) -> String { "\(session(identifier))/layers" }
    /// What that workspace was when the session began.
    package func base(_ identifier: String) -> String { "\(session(identifier))/base" }
    /// What became of the change after the session: a journal of its own, beside the sealed one.
    package func review(_ identifier: String) -> String { "\(session(identifier))/review.jsonl" }
    package func control(_ identifier: String) -> String { "\(runtime)/\(identifier)/control.sock" }

    /// Makes the directories that hold secrets or evidence, for this user alone.
    package func prepare() throws(SystemCallError) {
        for path in [state, runtime, sessions, keys, unfinished] {
            try FileSystem.makeDirectories(path)
            let facts = try FileSystem.facts(following: path)
            // Somebody else's directory would get our host key, and our journals would be theirs to change.
            guard facts.owner == CurrentProcess.userID, facts.permissions & 0o022 == 0 else {
                throw SystemCallError("trust `\(path)`, which others own or may write", .notPermitted)
            }
        }
    }
}
