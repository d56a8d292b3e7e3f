// SPDX-License-Identifier: Apache-2.0

internal import Cedar

/// What the parts of an answer took, for benchmarks.
struct PolicyStopwatch {
    /// Whether anything is measured.
    let isRunning: Bool
    private var laps: [(part: String, nanoseconds: Int64)] = []

    init(isRunning: Bool) { self.isRunning = isRunning }

    /// Does something, and notes what it took.
    mutating func time<Result, Failure: Error>(
        _ part: String, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard isRunning else { return try body() }
        let began = ContinuousClock.now
        let result = try body()
        let elapsed = (ContinuousClock.now - began).components
        laps.append((part, elapsed.seconds * 1_000_000_000 + elapsed.attoseconds / 1_000_000_000))
        return result
    }

    /// The answer, with `nanoseconds` of each part when measured.
    func noted(in answer: JSONValue) -> JSONValue {
        guard isRunning, case .object(var members) = answer.kind else { return answer }
        let times = JSONValue.object(laps.map { ($0.part, .integer($0.nanoseconds)) })
        members.append(JSONMember(key: Array("nanoseconds".utf8), value: times))
        return JSONValue(.object(members))
    }
}
