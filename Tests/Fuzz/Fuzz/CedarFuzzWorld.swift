// SPDX-License-Identifier: Apache-2.0

import Cedar

/// A small world of entities that hostile policies are asked about. The seeds in Tests/Corpus/fuzz speak of it.
enum CedarFuzzWorld {
    static let schema = made {
        try Schema(
            parsing: """
                entity Team;
                entity Color enum ["red", "green"];
                entity User in [Team] = {
                  age: Long, name?: String, boss?: User, seen: datetime, span: duration, quota: decimal, from: ipaddr,
                } tags Set<String>;
                entity Document in [Document] = {
                  owner: User, readers: Set<User>, color: Color, meta: { size: Long, note?: String },
                } tags String;
                action any;
                action read, write in [any] appliesTo {
                  principal: User, resource: [Document, User],
                  context: { mfa: Bool, at?: datetime, from?: ipaddr, limit?: Long },
                };
                """)
    }

    static let entities = made {
        try Entities(
            json: """
                [
                  {"uid": {"type": "Team", "id": "x"}, "attrs": {}, "parents": []},
                  {"uid": {"type": "User", "id": "ann"}, "parents": [{"type": "Team", "id": "x"}],
                   "attrs": {"age": 9223372036854775807, "name": "ann", "boss": {"type": "User", "id": "bob"},
                             "seen": "2024-02-29T23:59:59Z", "span": "-1d2h", "quota": "12.5", "from": "10.0.0.0/8"},
                   "tags": {"a": ["b", "c"], "": []}},
                  {"uid": {"type": "User", "id": "bob"}, "parents": [],
                   "attrs": {"age": -9223372036854775808, "boss": {"type": "User", "id": "gone"}, "seen": "1970-01-01",
                             "span": "0ms", "quota": "-922337203685477.5808", "from": "::1"}},
                  {"uid": {"type": "Document", "id": "d"}, "parents": [{"type": "Document", "id": "all"}],
                   "attrs": {"owner": {"type": "User", "id": "ann"}, "readers": [{"type": "User", "id": "bob"}],
                             "color": {"type": "Color", "id": "red"}, "meta": {"size": 3, "note": "*\\u0000é"}},
                   "tags": {"k": "v"}}
                ]
                """,
            schema: schema)
    }

    static let requests = made {
        let ann = try EntityUID(parsing: #"User::"ann""#)
        let document = try EntityUID(parsing: #"Document::"d""#)
        let write = try EntityUID(parsing: #"Action::"write""#)
        let all = #"{"mfa": true, "at": "2024-01-01", "from": "10.1.2.3", "limit": 3}"#
        return [
            Request(
                principal: ann, action: try EntityUID(parsing: #"Action::"read""#), resource: document,
                context: try CedarRecord(json: SourceText(#"{"mfa": false}"#), schema: schema, action: write)),
            Request(
                principal: try EntityUID(parsing: #"User::"bob""#), action: write, resource: ann,
                context: try CedarRecord(json: SourceText(all), schema: schema, action: write)),
            Request(
                principal: try EntityUID(parsing: #"User::"gone""#), action: write, resource: document,
                context: try CedarRecord(json: SourceText(all), schema: schema, action: write)),
        ]
    }

    static let validator = {
        let validator = Validator(schema, stepLimit: 100_000)
        let findings = validator.validate(entities: entities.all) + requests.flatMap(validator.validate(request:))
        guard findings.isEmpty else { fatalError("\(findings)") }
        return validator
    }()

    /// What hostile schemas are asked about.
    static let policies = made {
        try PolicySet(
            parsing: """
                permit (principal is User in ?principal, action == Action::"read", resource == ?resource)
                when { principal.age > context.limit && resource.owner == principal && resource.hasTag("k") };
                forbid (principal, action in [Action::"any"], resource)
                unless { context has a.b && principal has name && principal in resource };
                """)
    }

    /// What templates are linked with.
    static let values = made {
        [
            Slot.principal: try EntityUID(parsing: #"Team::"x""#),
            Slot.resource: try EntityUID(parsing: #"Document::"all""#),
        ]
    }

    private static func made<Result>(_ make: () throws -> Result) -> Result {
        do { return try make() } catch { fatalError("\(error)") }
    }
}
