// SPDX-License-Identifier: Apache-2.0
// What the session must hold, told to whoever looks at it. The looking is done by another process: a supervisor that
// judged itself would prove nothing.

internal import RemitJournal
internal import RemitKernel
internal import RemitSandbox

extension Supervisor {
    /// 200 with the expectation while the agent runs; 409 before and after.
    var postureAnswer: ControlResponse {
        guard machine.phase == .running, let sandbox, let first = ProcessIdentity(pid: sandbox.initPID) else {
            return ControlResponse(409, json: Array(#"{"error":"the agent does not run"}"#.utf8))
        }
        do {
            let expectation = PostureExpectation(
                admitted.plan, session: session, first: first, cgroup: sandbox.cgroup,
                surroundings: try PostureSurroundings.current()
            )
            return ControlResponse(200, json: expectation.json.canonicalBytes)
        } catch {
            let body: JSONValue = ["error": .string("\(error)")]
            return ControlResponse(500, json: body.canonicalBytes)
        }
    }
}
