// SPDX-License-Identifier: Apache-2.0

internal import RemitJournal
internal import RemitKernel
internal import RemitNetwork

extension GateCommand {
    /// The command as one line with its end. That of ``bind(_:)`` holds secrets: send it, and keep it nowhere.
    package var line: [UInt8] { json.canonicalBytes + [UInt8(ascii: "\n")] }

    /// How many descriptors are sent along with the first byte of the line.
    package var descriptorCount: Int { if case .listeners(let listeners) = self { listeners.count } else { 0 } }

    /// Reads a line without its end.
    ///
    /// - Throws: ``GateCodecError``, which never repeats what the line held.
    package init(line: [UInt8]) throws(GateCodecError) {
        let value = try GateValue(line: line)
        switch try value.required("command").text() {
        case "configure": self = .configure(try GateConfiguration(value.required("configuration")))
        case "listeners":
            self = .listeners(
                try value.required("listeners").list { (item) throws(GateCodecError) in try GateListener(item) }
            )
        case "bind": self = .bind(try SecretGrant(value.required("grant")))
        case "fence":
            self = .fence(lease: try value.optional("lease").map { (lease) throws(GateCodecError) in try lease.text() })
        case "narrow": self = .narrow(try EgressPolicy(value.required("policy")))
        case "usage": self = .usage
        case "stop": self = .stop
        default: throw .value(path: "command")
        }
    }

    private var json: JSONValue {
        switch self {
        case .configure(let configuration): ["command": "configure", "configuration": configuration.json]
        case .listeners(let listeners): ["command": "listeners", "listeners": .array(listeners.map(\.json))]
        case .bind(let grant): ["command": "bind", "grant": grant.revealingJSON]
        case .fence(let lease): ["command": "fence", "lease": .optional(lease)]
        case .narrow(let policy): ["command": "narrow", "policy": policy.json]
        case .usage: ["command": "usage"]
        case .stop: ["command": "stop"]
        }
    }
}

extension GateValue {
    init(line: [UInt8]) throws(GateCodecError) {
        guard line.count <= GateLineReader.longest else { throw .tooLong }
        do throws(JSONError) {
            self.init(json: try JSONValue(parsing: line), path: "")
        } catch {
            throw .syntax(offset: error.offset, reason: error.reason)
        }
    }
}

extension GateListener {
    private static let words: [String: GateListener] = [
        "names": .names, "name-connections": .nameConnections, "proxy": .proxy, "redirected": .redirected,
        "service": .service,
    ]

    fileprivate var json: JSONValue {
        if case .port(let port) = self { return .number(port) }
        return .optional(Self.words.first { $0.value == self }?.key)
    }

    fileprivate init(_ value: GateValue) throws(GateCodecError) {
        if let word = value.json.text {
            guard let listener = Self.words[word] else { throw value.wrong }
            self = listener
        } else {
            self = .port(try value.number())
        }
    }
}
