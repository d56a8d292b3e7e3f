// SPDX-License-Identifier: Apache-2.0
// The program that tries what no agent may do, and what it says.

internal import RemitJournal
internal import RemitKernel
internal import RemitSession

/// One forbidden act, as `remit-probe --list` describes it.
struct Probe: Hashable {
    let name: String
    /// What is tried, for people.
    let attempt: String

    /// - Returns: `nil` for a line that describes none.
    init?(_ line: JSONValue) {
        guard let name = line["probe"]?.text, !name.isEmpty, let attempt = line["attempt"]?.text else { return nil }
        self.name = name
        self.attempt = attempt
    }
}

/// What became of one attempt.
struct ProbeResult: Hashable {
    enum Outcome: String {
        /// A layer refused it.
        case stopped
        /// It succeeded.
        case through
        /// It failed, but not as any layer of Remit's would make it fail.
        case unexpected
        /// A signal ended it that was not the expected stop.
        case killed
        /// This kernel has no such thing.
        case absent
        /// Something it needs is not there.
        case skipped
        /// The session ended before it said anything.
        case silent

        /// Nothing was proved to be open.
        var isHarmless: Bool { self == .stopped || self == .absent || self == .skipped }
    }

    let outcome: Outcome
    var layer: String?
    /// The errno, or the signal.
    var stop: String?
    var why: String?
    var microseconds: Int?

    init(_ outcome: Outcome, why: String? = nil) {
        self.outcome = outcome
        self.why = why
    }

    /// - Returns: `nil` for a line that is no result; the probe's name with it.
    static func read(_ line: JSONValue) -> (probe: String, result: ProbeResult)? {
        guard let name = line["probe"]?.text, let outcome = line["result"]?.text.flatMap(Outcome.init(rawValue:)) else {
            return nil
        }
        var result = ProbeResult(outcome, why: line["why"]?.text)
        result.layer = line["layer"]?.text
        result.stop = line["errno"]?.text ?? line["signal"]?.text
        result.microseconds = line["microseconds"]?.number
        return (name, result)
    }
}

/// The program itself.
struct ProbeProgram {
    let path: String

    /// `REMIT_PROBE`, or beside this executable, or where it is installed.
    ///
    /// - Throws: ``SessionError`` when it is nowhere.
    init(_ environment: [String: String]) throws(SessionError) {
        if let named = environment["REMIT_PROBE"], !named.isEmpty {
            guard FileSystem.isProgram(named) else {
                throw SessionError(.failed, "`REMIT_PROBE` names no program: `\(named)`")
            }
            path = named
            return
        }
        let own = (try? FileSystem.resolved("/proc/self/exe")).map(FileSystem.parent) ?? "/usr/local/bin"
        let places = ["\(own)/remit-probe", "\(FileSystem.parent(of: own))/libexec/remit/remit-probe"]
        guard let found = places.first(where: FileSystem.isProgram) else {
            throw SessionError(
                .failed, "there is no `remit-probe` in " + places.map { "`\($0)`" }.joined(separator: " or "),
                hint: "install it with `make install`, or name it with REMIT_PROBE")
        }
        path = found
    }

    /// The JSON objects among lines of output.
    static func objects(_ output: [UInt8]) -> [JSONValue] {
        output.split(separator: UInt8(ascii: "\n")).compactMap { try? JSONValue(parsing: Array($0)) }
    }
}

extension FileSystem {
    fileprivate static func isProgram(_ path: String) -> Bool {
        guard let facts = try? facts(following: path) else { return false }
        return facts.isRegular && facts.permissions & 0o111 != 0
    }
}
