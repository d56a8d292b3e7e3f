// SPDX-License-Identifier: Apache-2.0

extension Request {
    /// The request in Cedar's usual JSON: `{"principal": …, "action": …, "resource": …, "context": …}`.
    public var json: JSONValue {
        .object([
            ("principal", .entity(principal)), ("action", .entity(action)), ("resource", .entity(resource)),
            ("context", Value.record(context).json),
        ])
    }
}
