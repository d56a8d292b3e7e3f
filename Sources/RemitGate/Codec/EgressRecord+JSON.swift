// SPDX-License-Identifier: Apache-2.0

package import RemitJournal

extension EgressRecord {
    /// The record as it is sent, and as the journal keeps it.
    package var json: JSONValue {
        .compact([
            "kind": .string(kind.rawValue), "verdict": isAllowed ? "allow" : "deny", "rule": .string(rule),
            "reason": .optional(reason), "name": .optional(name), "address": .optional(address),
            "port": .number(port), "via": .optional(via), "method": .optional(method), "path": .optional(path),
            "status": .optional(status), "up": .number(bytesUp), "down": .number(bytesDown),
            "microseconds": .number(microseconds), "leases": leases.isEmpty ? .null : .strings(leases),
            "count": count == 1 ? .null : .integer(count),
        ])
    }

    /// Reads a record as ``json`` writes it.
    ///
    /// - Throws: ``GateCodecError`` where it is not one.
    package init(json: JSONValue) throws(GateCodecError) { try self.init(GateValue(json: json, path: "record")) }

    init(_ value: GateValue) throws(GateCodecError) {
        let verdict = try value.required("verdict").text()
        guard ["allow", "deny"].contains(verdict) else { throw .value(path: "\(value.path).verdict") }
        self.init(
            try value.required("kind").word(),
            isAllowed: verdict == "allow",
            rule: try value.required("rule").text(),
            reason: try value.optionalText("reason"),
            name: try value.optionalText("name"),
            address: try value.optionalText("address"),
            port: try value.optionalNumber("port"),
            via: try value.optionalText("via"),
            method: try value.optionalText("method"),
            path: try value.optionalText("path"),
            status: try value.optionalNumber("status"),
            bytesUp: try value.required("up").number(),
            bytesDown: try value.required("down").number(),
            microseconds: try value.optionalNumber("microseconds"),
            leases: try value.optional("leases").map { (leases) throws(GateCodecError) in try leases.texts() } ?? [],
            count: try value.optionalNumber("count") ?? 1
        )
    }
}
