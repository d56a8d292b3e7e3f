// SPDX-License-Identifier: Apache-2.0
// `POST /narrow`: hosts are taken away from a running session. Nothing that arrives here can give one.

internal import RemitJournal
internal import RemitTask

extension Supervisor {
    /// 200 when the gate was told; 400 for what is no request, 409 when there is nothing to narrow.
    func narrowAnswer(_ request: ControlRequest) -> ControlResponse {
        func refuse(_ status: Int, _ why: String) -> ControlResponse {
            let body: JSONValue = ["error": .string(why)]
            return ControlResponse(status, json: body.canonicalBytes)
        }
        guard let body = try? JSONValue(parsing: request.body), let members = body.members,
            members.keys.allSatisfy({ ["deny", "only"].contains($0) })
        else { return refuse(400, "not an object with `deny` and `only`") }
        var lists: [String: [NetworkEntry]] = [:]
        for (name, value) in members {
            guard let texts = value.elements?.compactMap(\.text), texts.count == value.elements?.count else {
                return refuse(400, "`\(name)` is not a list of hosts")
            }
            do throws(AllowedHost.Refusal) {
                lists[name] = try texts.map { text throws(AllowedHost.Refusal) in try AllowedHost.parse(text) }
            } catch {
                return refuse(400, error.description)
            }
        }
        guard lists.values.contains(where: { !$0.isEmpty }) else { return refuse(400, "no host is named") }
        guard narrow(deny: lists["deny"] ?? [], only: lists["only"] ?? []) else {
            return refuse(409, "the session has no network to narrow")
        }
        return ControlResponse(200, json: Array(#"{"narrowed":true}"#.utf8))
    }
}
