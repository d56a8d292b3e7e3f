// SPDX-License-Identifier: Apache-2.0

internal import RemitJournal
internal import RemitKernel
internal import RemitNetwork

extension SecretGrant {
    /// The grant with its values: for the socket of the gate, and for nothing else.
    var revealingJSON: JSONValue {
        [
            "lease": .string(lease), "bindings": .array(bindings.map(\.json)),
            "parts": .array(
                parts.map { part in
                    [
                        "name": .string(part.name.rawValue), "placeholder": .string(part.placeholder),
                        "value": .string(part.value.withBytes { Hex.encode($0) }),
                    ]
                }
            ),
        ]
    }

    init(_ value: GateValue) throws(GateCodecError) {
        let lease = try value.required("lease").text()
        self.init(
            lease: lease,
            bindings: try value.required("bindings").list { (item) throws(GateCodecError) in
                let binding = try SecretBinding(item)
                guard binding.lease == lease else { throw item.wrong }
                return binding
            },
            parts: try value.required("parts").list { (part) throws(GateCodecError) in
                SecretPart(
                    name: try part.required("name").word(),
                    placeholder: try part.required("placeholder").text(),
                    value: try part.required("value").secret()
                )
            }
        )
    }
}

extension SecretBinding {
    var json: JSONValue {
        [
            "lease": .string(lease), "hosts": .string(hosts.description), "ports": .ports(ports),
            "methods": .words(methods), "paths": .texts(paths), "slot": slot.json, "clearText": .bool(allowsClearText),
        ]
    }

    init(_ value: GateValue) throws(GateCodecError) {
        self.init(
            lease: try value.required("lease").text(),
            hosts: try value.required("hosts").host(),
            ports: try value.required("ports").ports(),
            methods: Set(try value.required("methods").texts()),
            paths: try value.required("paths").paths(),
            slot: try SecretSlot(value.required("slot")),
            allowsClearText: try value.required("clearText").flag()
        )
    }
}

extension SecretSlot {
    fileprivate var json: JSONValue {
        switch self {
        case .header(let name): ["kind": "header", "name": .string(name)]
        case .basic: ["kind": "basic"]
        case .query(let name): ["kind": "query", "name": .string(name)]
        case .body: ["kind": "body"]
        case .sigV4(let scope):
            ["kind": "sigv4", "services": .words(scope.services), "regions": .words(scope.regions)]
        }
    }

    fileprivate init(_ value: GateValue) throws(GateCodecError) {
        switch try value.required("kind").text() {
        case "header": self = .header(try value.required("name").text())
        case "basic": self = .basic
        case "query": self = .query(try value.required("name").text())
        case "body": self = .body
        case "sigv4":
            self = .sigV4(
                SigV4Scope(
                    services: Set(try value.required("services").texts()),
                    regions: Set(try value.required("regions").texts())
                )
            )
        default: throw value.wrong
        }
    }
}
