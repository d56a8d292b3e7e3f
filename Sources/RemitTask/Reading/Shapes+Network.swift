// SPDX-License-Identifier: Apache-2.0
// The shapes of what files say about the network, its budgets and its secrets.

internal import RemitNetwork

extension Shapes {
    static let network = ObjectShape("network", rules)

    static let operatorNetwork = ObjectShape(
        "network",
        rules + [
            .optional("hosts", .map(keys: nil, .list(.text(pattern: nil), atLeast: 1))),
            .optional("authorities", .list(absolute, atLeast: 0)),
            .optional("clientCertificates", .list(.object(clientCertificate), atLeast: 0)),
        ])

    private static let rules: [FieldShape] = [
        .optional("allow", .list(.either(host, .object(allowance)), atLeast: 0)),
        .optional("deny", .list(.either(host, .object(denial)), atLeast: 0)),
        .optional("tripwire", words(TripwireAction.self)),
    ]

    /// A rule of a group.
    static let networkRule = ObjectShape("network rule", [.required("host", host)] + details)

    /// An item of `allow`: a rule, or a group.
    static let allowance = ObjectShape("network rule", [.optional("host", host)] + details + [.optional("group", name)])

    /// An item of `deny`.
    static let denial = ObjectShape(
        "network rule",
        [
            .optional("host", host), .optional("ports", portList), .optional("http", .object(deniedRequests)),
            .optional("group", name),
        ])

    private static let details: [FieldShape] = [
        .optional("ports", portList),
        .optional("http", .object(requests)),
        .optional("clearText", .boolean),
        .optional("opaque", .boolean),
        .optional("sni", words(ServerNameRequirement.self)),
        .optional("addresses", .list(.text(pattern: nil), atLeast: 1)),
    ]

    static let requests = ObjectShape(
        "requests",
        [.optional("methods", methods), .optional("paths", paths), .optional("maxBody", .byteCount)])

    static let deniedRequests = ObjectShape(
        "requests", [.optional("methods", methods), .optional("paths", paths)])

    static let clientCertificate = ObjectShape(
        "client certificate",
        [.required("host", host), .required("certificate", absolute), .required("key", absolute)])

    static let budget = ObjectShape("budget", amounts + [.optional("hosts", .list(.object(hostBudget), atLeast: 0))])

    static let hostBudget = ObjectShape("budget", [.required("host", host)] + amounts)

    private static let amounts: [FieldShape] = [
        .optional("requests", .integer(countRange)),
        .optional("bytesUp", .byteCount),
        .optional("bytesDown", .byteCount),
        .optional("connections", .integer(countRange)),
        .optional("inputTokens", .integer(countRange)),
        .optional("outputTokens", .integer(countRange)),
        .optional("cost", .money),
    ]

    static let price = ObjectShape(
        "price",
        [
            .required("input", .money), .required("output", .money), .optional("cacheRead", .money),
            .optional("cacheWrite", .money),
        ])

    static let secretSource = ObjectShape(
        "source of a secret",
        [
            .optional("env", .text(pattern: VariableName.pattern)),
            .optional("file", absolute),
            .optional("command", command),
            .optional("systemdCredential", .text(pattern: SystemdCredentialName.pattern)),
        ])

    static let injection = ObjectShape(
        "injection",
        [
            .required("host", host), .optional("ports", portList), .optional("methods", methods),
            .optional("paths", paths), .optional("clearText", .boolean),
            .optional("header", .text(pattern: HeaderName.pattern)), .optional("basic", .boolean),
            .optional("query", .text(pattern: QueryName.pattern)), .optional("body", .boolean),
            .optional("sigv4", .object(signature)),
        ])

    static let signature = ObjectShape(
        "signature",
        [
            .optional("services", .list(.text(pattern: SignatureWord.pattern), atLeast: 1)),
            .optional("regions", .list(.text(pattern: SignatureWord.pattern), atLeast: 1)),
        ])

    static let narrowing = ObjectShape(
        "injection",
        [
            .optional("host", host), .optional("ports", portList), .optional("methods", methods),
            .optional("paths", paths),
        ])

    static let host = ValueShape.text(pattern: nil)
    private static let portList = ValueShape.list(
        .either(.integer(portRange), .text(pattern: PortRange.pattern)), atLeast: 1)
    private static let methods = ValueShape.list(.text(pattern: HTTPMethod.pattern), atLeast: 1)
    private static let paths = ValueShape.list(.text(pattern: "^/"), atLeast: 1)

    static let portRange = 1...65_535
    /// As far as JSON's numbers are the same in every language.
    static let countRange = 0...9_007_199_254_740_991
}
