// SPDX-License-Identifier: Apache-2.0

internal import RemitJournal
internal import RemitNetwork

extension GateConfiguration {
    var json: JSONValue {
        .compact([
            "session": .string(session), "policy": policy.json, "bindings": .array(bindings.map(\.json)),
            "budgets": budgets.json, "prices": .object(prices.prices.mapValues(\.json)), "trust": trust.json,
            "hosts": .object([String: JSONValue](uniqueKeysWithValues: hosts.map { ($0.key.text, .texts($0.value)) })),
            "limits": limits.json, "tripwire": .string(tripwire.rawValue), "remit": .string(remit),
            "lifetime": .number(lifetime), "identity": identity?.json ?? .null,
        ])
    }

    init(_ value: GateValue) throws(GateCodecError) {
        self.init(
            session: try value.required("session").text(),
            policy: try EgressPolicy(value.required("policy")),
            bindings: try value.required("bindings").list { (item) throws(GateCodecError) in try SecretBinding(item) },
            budgets: try BudgetPlan(value.required("budgets")),
            prices: PriceTable(
                try value.required("prices").map { (price) throws(GateCodecError) in try ModelPrice(price) }),
            trust: try UpstreamTrust(value.required("trust")),
            hosts: try value.required("hosts").addresses(),
            limits: try GateLimits(value.required("limits")),
            tripwire: try value.required("tripwire").word(),
            remit: try value.required("remit").text(),
            lifetime: try value.optionalNumber("lifetime"),
            identity: try value.optional("identity").map { (item) throws(GateCodecError) in try GateIdentity(item) }
        )
    }
}

extension GateIdentity {
    fileprivate var json: JSONValue { ["user": .number(user), "group": .number(group)] }

    fileprivate init(_ value: GateValue) throws(GateCodecError) {
        self.init(user: try value.required("user").number(), group: try value.required("group").number())
    }
}

extension GateValue {
    fileprivate func addresses() throws(GateCodecError) -> [HostName: [IPAddress]] {
        var result: [HostName: [IPAddress]] = [:]
        let read = { (list: GateValue) throws(GateCodecError) in
            try list.list { (item) throws(GateCodecError) in
                guard let address = IPAddress(try item.text()) else { throw item.wrong }
                return address
            }
        }
        for (name, addresses) in try map(read) {
            guard let host = try? HostName(name) else { throw wrong }
            result[host] = addresses
        }
        return result
    }
}

extension BudgetPlan {
    fileprivate var json: JSONValue {
        [
            "session": session.limits.json,
            "hosts": .array(hosts.map { ["host": .string($0.host.description), "budget": $0.budget.limits.json] }),
        ]
    }

    fileprivate init(_ value: GateValue) throws(GateCodecError) {
        self.init(
            session: Budget(try value.required("session").dimensions()),
            hosts: try value.required("hosts").list { (item) throws(GateCodecError) in
                HostBudget(
                    host: try item.required("host").host(), budget: Budget(try item.required("budget").dimensions())
                )
            }
        )
    }
}

extension [BudgetDimension: UInt64] {
    var json: JSONValue {
        .object([String: JSONValue](uniqueKeysWithValues: map { ($0.key.rawValue, .number($0.value)) }))
    }
}

extension GateValue {
    func dimensions() throws(GateCodecError) -> [BudgetDimension: UInt64] {
        var result: [BudgetDimension: UInt64] = [:]
        for (name, amount) in try map({ (item) throws(GateCodecError) in try item.number(UInt64.self) }) {
            guard let dimension = BudgetDimension(rawValue: name) else { throw wrong }
            result[dimension] = amount
        }
        return result
    }
}

extension ModelPrice {
    fileprivate var json: JSONValue {
        [
            "input": .number(input), "output": .number(output), "cacheRead": .number(cacheRead),
            "cacheWrite": .number(cacheWrite),
        ]
    }

    fileprivate init(_ value: GateValue) throws(GateCodecError) {
        self.init(
            input: try value.required("input").number(),
            output: try value.required("output").number(),
            cacheRead: try value.required("cacheRead").number(),
            cacheWrite: try value.required("cacheWrite").number()
        )
    }
}

extension UpstreamTrust {
    fileprivate var json: JSONValue {
        [
            "authorities": .strings(authorities),
            "clientCertificates": .array(
                clientCertificates.map { item in
                    [
                        "host": .string(item.host.description), "certificate": .string(item.certificate),
                        "key": .string(item.key),
                    ]
                }
            ),
        ]
    }

    fileprivate init(_ value: GateValue) throws(GateCodecError) {
        self.init(
            authorities: try value.required("authorities").texts(),
            clientCertificates: try value.required("clientCertificates").list { (item) throws(GateCodecError) in
                ClientCertificate(
                    host: try item.required("host").host(),
                    certificate: try item.required("certificate").text(),
                    key: try item.required("key").text()
                )
            }
        )
    }
}

extension GateLimits {
    fileprivate var json: JSONValue {
        [
            "connections": .number(connections), "pending": .number(pending), "idle": .number(idleMilliseconds),
            "connect": .number(connectMilliseconds), "records": .number(recordsPerSecond), "names": .number(names),
        ]
    }

    fileprivate init(_ value: GateValue) throws(GateCodecError) {
        self.init(
            connections: try value.required("connections").number(),
            pending: try value.required("pending").number(),
            idleMilliseconds: try value.required("idle").number(),
            connectMilliseconds: try value.required("connect").number(),
            recordsPerSecond: try value.required("records").number(),
            names: try value.required("names").number()
        )
    }
}
