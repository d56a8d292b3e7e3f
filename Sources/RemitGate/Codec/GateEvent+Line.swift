// SPDX-License-Identifier: Apache-2.0

package import RemitJournal
internal import RemitNetwork

extension GateEvent {
    /// The event as one line with its end.
    package var line: [UInt8] { json.canonicalBytes + [UInt8(ascii: "\n")] }

    /// Reads a line without its end.
    ///
    /// - Throws: ``GateCodecError``
    package init(line: [UInt8]) throws(GateCodecError) {
        let value = try GateValue(line: line)
        switch try value.required("event").text() {
        case "ready": self = .ready(authority: try value.optionalText("authority"))
        case "record": self = .record(try EgressRecord(value.required("record")))
        case "tripwire": self = .tripwire(try Tripwire(value.required("tripwire")))
        case "budget":
            guard let threshold = BudgetThreshold(rawValue: try value.required("threshold").number()) else {
                throw .value(path: "threshold")
            }
            self = .budget(
                try value.required("dimension").word(), host: try value.optionalText("host"), threshold: threshold
            )
        case "exhausted":
            self = .exhausted(try value.required("dimension").word(), host: try value.optionalText("host"))
        case "fenced":
            self = .fenced(
                lease: try value.optionalText("lease"), connections: try value.required("connections").number()
            )
        case "usage": self = .usage(try GateUsage(value.required("usage")))
        case "failed": self = .failed(try value.required("reason").text())
        default: throw .value(path: "event")
        }
    }

    private var json: JSONValue {
        switch self {
        case .ready(let authority): .compact(["event": "ready", "authority": .optional(authority)])
        case .record(let record): ["event": "record", "record": record.json]
        case .tripwire(let tripwire): ["event": "tripwire", "tripwire": tripwire.json]
        case .budget(let dimension, let host, let threshold):
            .compact([
                "event": "budget", "dimension": .string(dimension.rawValue), "host": .optional(host),
                "threshold": .number(threshold.rawValue),
            ])
        case .exhausted(let dimension, let host):
            .compact([
                "event": "exhausted", "dimension": .string(dimension.rawValue), "host": .optional(host),
            ])
        case .fenced(let lease, let connections):
            .compact(["event": "fenced", "lease": .optional(lease), "connections": .number(connections)])
        case .usage(let usage): ["event": "usage", "usage": usage.json]
        case .failed(let reason): ["event": "failed", "reason": .string(reason)]
        }
    }
}

extension GateValue {
    func optionalText(_ name: String) throws(GateCodecError) -> String? {
        try optional(name).map { (value) throws(GateCodecError) in try value.text() }
    }

    func optionalNumber<Number: FixedWidthInteger>(_ name: String) throws(GateCodecError) -> Number? {
        try optional(name).map { (value) throws(GateCodecError) in try value.number() }
    }
}

extension Tripwire {
    /// The tripwire as it is sent and recorded.
    package var json: JSONValue {
        [
            "lease": .string(lease), "host": .string(host), "port": .number(port), "place": .string(place),
            "request": .string(request),
        ]
    }

    fileprivate init(_ value: GateValue) throws(GateCodecError) {
        self.init(
            lease: try value.required("lease").text(),
            host: try value.required("host").text(),
            port: try value.required("port").number(),
            place: try value.required("place").text(),
            request: try value.required("request").text()
        )
    }
}

extension GateUsage {
    /// The usage as it is sent and recorded.
    package var json: JSONValue {
        ["session": session.json, "hosts": .object(hosts.mapValues(\.json)), "open": .number(open)]
    }

    fileprivate init(_ value: GateValue) throws(GateCodecError) {
        self.init(
            session: try value.required("session").dimensions(),
            hosts: try value.required("hosts").map { (item) throws(GateCodecError) in try item.dimensions() },
            open: try value.required("open").number()
        )
    }
}
