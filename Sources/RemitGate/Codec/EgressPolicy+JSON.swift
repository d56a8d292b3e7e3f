// SPDX-License-Identifier: Apache-2.0

package import RemitJournal
package import RemitNetwork

extension EgressPolicy {
    /// The policy as it is sent and stored.
    package var json: JSONValue {
        .array(
            layers.map { layer in
                ["name": .string(layer.name), "open": .bool(layer.isOpen), "rules": .array(layer.rules.map(\.json))]
            }
        )
    }

    /// Reads a policy as ``json`` writes it.
    ///
    /// - Throws: ``GateCodecError`` where it is not one; no rule is ever left out.
    package init(json: JSONValue) throws(GateCodecError) {
        try self.init(GateValue(json: json, path: "policy"))
    }

    init(_ value: GateValue) throws(GateCodecError) {
        self.init(
            layers: try value.list { (layer) throws(GateCodecError) in
                EgressLayer(
                    name: try layer.required("name").text(),
                    rules: try layer.required("rules").list { (rule) throws(GateCodecError) in try EgressRule(rule) },
                    isOpen: try layer.required("open").flag()
                )
            }
        )
    }
}

extension EgressRule {
    fileprivate var json: JSONValue {
        .compact([
            "label": .string(label), "host": .string(host.description), "ports": .ports(ports),
            "http": http?.json ?? .null, "clearText": .bool(allowsClearText), "opaque": .string(opaque.rawValue),
            "sni": .string(sni.rawValue), "addresses": .texts(addresses), "denial": .bool(isDenial),
        ])
    }

    fileprivate init(_ value: GateValue) throws(GateCodecError) {
        let isDenial = try value.required("denial").flag()
        let ports = try value.required("ports").ports()
        // Every port is for denials only: elsewhere an empty list would allow what nobody wrote.
        guard isDenial || !ports.isEmpty else { throw value.wrong }
        self.init(
            label: try value.required("label").text(),
            host: try value.required("host").host(),
            ports: ports,
            http: try value.optional("http").map { (http) throws(GateCodecError) in try HTTPRule(http) },
            allowsClearText: try value.required("clearText").flag(),
            opaque: try value.required("opaque").word(),
            sni: try value.required("sni").word(),
            addresses: try value.required("addresses").networks(),
            isDenial: isDenial
        )
    }
}

extension HTTPRule {
    fileprivate var json: JSONValue {
        .compact(["methods": .words(methods), "paths": .texts(paths), "maxBody": .number(maxBody)])
    }

    fileprivate init(_ value: GateValue) throws(GateCodecError) {
        self.init(
            methods: Set(try value.required("methods").texts()),
            paths: try value.required("paths").paths(),
            maxBody: try value.optional("maxBody").map { (limit) throws(GateCodecError) in try limit.number() }
        )
    }
}
