// SPDX-License-Identifier: Apache-2.0

import RemitGate
import RemitKernel
import RemitNetwork
import Testing

@testable import RemitEgress

@Suite struct RequestRewriterTests {
    static let model = SecretFixture.anthropic
    static let cloud = SecretFixture.cloud
    static let placeholder = String(decoding: model.placeholder, as: UTF8.self)
    static let value = String(decoding: model.value, as: UTF8.self)

    static func host(_ name: String) -> Destination {
        guard let host = try? HostName(name) else { fatalError("no name: \(name)") }
        return .name(host)
    }

    static func binding(
        _ slot: SecretSlot, lease: String = "model", host: String = "api.example", methods: Set<String> = [],
        paths: [String] = [], clear: Bool = false
    ) throws -> SecretBinding {
        SecretBinding(
            lease: lease, hosts: try HostPattern(host), methods: methods,
            paths: paths.compactMap { RequestPathPattern($0) },
            slot: slot, allowsClearText: clear
        )
    }

    static func table(
        _ bindings: [SecretBinding], _ pair: SecretPair = model, fenced: Set<String> = []
    ) throws -> SecretTable {
        try SecretTable([grant(bindings, pair)], fenced: fenced)
    }

    static func grant(_ bindings: [SecretBinding], _ pair: SecretPair = model) -> SecretGrant {
        SecretGrant(
            lease: pair.lease, bindings: bindings,
            parts: [
                SecretPart(
                    placeholder: String(decoding: pair.placeholder, as: UTF8.self),
                    value: RemitKernel.Secret(pair.value)
                )
            ]
        )
    }

    static func facts(
        _ method: String = "POST", _ path: String = "/v1/messages", host name: String = "api.example",
        port: UInt16 = 443, isTLS: Bool = true
    ) -> HTTPRequestFacts {
        HTTPRequestFacts(destination: host(name), port: port, method: method, rawPath: path, isTLS: isTLS)
    }

    /// The head that goes out; nil where the request is refused.
    func head(
        _ table: SecretTable, _ facts: HTTPRequestFacts, target: String = "/v1/messages",
        _ fields: [(String, String)]
    ) -> (target: String, fields: HeaderFields, finding: Finding?) {
        var rewriter = RequestRewriter(table, facts: facts)
        var target = target
        var headers = HeaderFields(fields)
        switch rewriter.head(target: &target, headers: &headers) {
        case .send: return (target, headers, nil)
        case .refuse(let finding): return (target, headers, finding)
        case .takeBody: return (target, headers, Finding(lease: "", place: "", reason: .signature("body")))
        }
    }

    func head(
        _ table: SecretTable, target: String = "/v1/messages", _ fields: [(String, String)]
    ) -> (target: String, fields: HeaderFields, finding: Finding?) {
        head(table, Self.facts(), target: target, fields)
    }

    // MARK: - Fields

    @Test(arguments: ["", "Bearer ", "bearer ", "token ", "Token token=\""])
    func `a field that the lease is bound to gets the secret, with any scheme`(scheme: String) throws {
        let table = try Self.table([Self.binding(.header("x-api-key"))])
        let result = head(table, [("Accept", "*/*"), ("X-Api-Key", scheme + Self.placeholder)])
        #expect(result.finding == nil)
        #expect(result.fields["x-api-key"] == [scheme + Self.value])
    }

    @Test(arguments: [
        ("header x-other", "/v1/messages", [("X-Other", placeholder)]),
        ("header x-other", "/v1/messages", [("X-Api-Key", placeholder), ("X-Other", "a=\(placeholder);")]),
        ("header cookie", "/v1/messages", [("Cookie", "k=\(placeholder.uppercased())")]),
        ("path", "/v1/\(placeholder)", []),
        ("query", "/v1/messages?q=x%25\(placeholder)", []),
        ("query", "/v1/messages?x-api-key=\(placeholder)", []),
        ("header name", "/v1/messages", [("X-\(placeholder)", "1")]),
    ])
    func `a placeholder anywhere else is found`(place: String, target: String, fields: [(String, String)]) throws {
        let table = try Self.table([Self.binding(.header("x-api-key"))])
        let result = head(table, target: target, fields)
        #expect(result.finding == Finding(lease: "model", place: place, reason: .unbound))
    }

    @Test(arguments: SecretFixture.spellings)
    func `a placeholder in another field is found in every spelling`(spelling: SecretFixture.Spelling) throws {
        guard spelling.name != "UTF-16" else { return }
        let table = try Self.table([Self.binding(.header("x-api-key"))])
        let text = String(decoding: spelling.write(Self.model.placeholder), as: UTF8.self)
        #expect(
            head(table, [("X-Api-Key", Self.placeholder), ("X-Other", "a\(text)z")]).finding?.place == "header x-other")
        #expect(head(table, target: "/?a=\(text)", []).finding?.place == "query")
    }

    @Test func `only the bound host, port, method and path get it, never TRACE or CONNECT, never clear text`() throws {
        let binding = try Self.binding(
            .header("authorization"), methods: ["POST", "TRACE", "CONNECT"], paths: ["/v1/*"])
        let table = try Self.table([binding])
        let fields = [("Authorization", "Bearer \(Self.placeholder)")]
        #expect(head(table, Self.facts(), fields).finding == nil)
        for facts in [
            Self.facts(host: "evil.example"), Self.facts(host: "api.example.evil"), Self.facts(port: 8443),
            Self.facts("GET"), Self.facts("TRACE"), Self.facts("CONNECT"), Self.facts("POST", "/v2/messages"),
            Self.facts("POST", "/v1/../v2/x"), Self.facts(isTLS: false),
        ] {
            let result = head(table, facts, fields)
            #expect(result.finding == Finding(lease: "model", place: "header authorization", reason: .unbound))
            #expect(!result.fields["authorization"][0].contains(Self.value))
        }
        let named = try Self.table([Self.binding(.header("authorization"), clear: true)])
        #expect(head(named, Self.facts(isTLS: false), fields).finding == nil)
    }

    @Test func `Basic credentials get it as password or user`() throws {
        let table = try Self.table([Self.binding(.basic)])
        func basic(_ text: String) -> String {
            "Basic " + String(decoding: Base64.encode(Array(text.utf8), padded: true), as: UTF8.self)
        }
        for (given, expected) in [
            ("x-access-token:\(Self.placeholder)", "x-access-token:\(Self.value)"),
            ("\(Self.placeholder):x-oauth-basic", "\(Self.value):x-oauth-basic"),
            (":\(Self.placeholder)", ":\(Self.value)"),
            ("\(Self.placeholder):", "\(Self.value):"),
        ] {
            let result = head(table, [("Authorization", basic(given))])
            #expect(result.finding == nil)
            #expect(result.fields["authorization"] == [basic(expected)])
        }
        // A part of the password is not the placeholder, and a bearer is not Basic.
        for value in [basic("u:x\(Self.placeholder)"), "Bearer \(Self.placeholder)", basic(Self.placeholder)] {
            #expect(head(table, [("Authorization", value)]).finding?.place == "header authorization")
        }
    }

    @Test func `a parameter of the query gets it, encoded`() throws {
        let pair = SecretFixture.cloud
        let table = try Self.table([Self.binding(.query("access key"), lease: "cloud")], pair)
        let placeholder = QueryText.encode(pair.placeholder)
        let result = head(table, target: "/x?a=1&access+key=\(placeholder)&b", [])
        #expect(result.finding == nil)
        #expect(result.target == "/x?a=1&access+key=\(QueryText.encode(pair.value))&b")
        #expect(head(table, target: "/x?other=\(placeholder)", []).finding?.place == "query")
        #expect(head(table, target: "/x?access+key=1\(placeholder)", []).finding?.place == "query")
    }

    @Test func `a secret with a line break does not get into a field`() throws {
        let pair = SecretPair(
            lease: "model", placeholder: Self.model.placeholder, value: Array("abcdefgh\r\nX-Evil: 1".utf8))
        let table = try Self.table([Self.binding(.header("x-api-key"))], pair)
        let result = head(table, [("X-Api-Key", Self.placeholder)])
        #expect(result.finding != nil && result.fields["x-api-key"] == [Self.placeholder])
    }

    @Test func `after the fence a placeholder is refused, and this is no tripwire`() throws {
        let binding = try Self.binding(.header("x-api-key"))
        let table = try Self.table([binding], fenced: ["model"])
        let fields = [("X-Api-Key", Self.placeholder)]
        #expect(head(table, fields).finding?.reason == .fenced)
        #expect(head(table, Self.facts(host: "evil.example"), fields).finding?.reason == .unbound)
    }

    @Test func `several secrets go to their places at once`() throws {
        let table = try SecretTable([
            Self.grant([Self.binding(.header("x-api-key"))]),
            Self.grant([Self.binding(.query("k"), lease: "cloud")], Self.cloud),
        ])
        var rewriter = RequestRewriter(table, facts: Self.facts())
        var target = "/?k=\(QueryText.encode(Self.cloud.placeholder))"
        var headers = HeaderFields([("X-Api-Key", Self.placeholder)])
        #expect(rewriter.head(target: &target, headers: &headers) == .send(isUnframed: false))
        #expect(rewriter.leases == ["model", "cloud"])
        #expect(target == "/?k=\(QueryText.encode(Self.cloud.value))")
        #expect(headers["x-api-key"] == [Self.value])
    }

    @Test func `only codings are asked for that can be searched`() throws {
        let table = try Self.table([Self.binding(.header("x-api-key"))])
        for (offered, kept) in [
            ("gzip, deflate, br, zstd", "gzip, deflate, br"), ("zstd", "identity"), ("gzip;q=0.5, *", "gzip;q=0.5"),
            ("gzip, br", "gzip, br"),
        ] {
            #expect(head(table, [("Accept-Encoding", offered)]).fields["accept-encoding"] == [kept])
        }
    }

    @Test func `a name that carries a placeholder is found, in labels too`() throws {
        let table = try Self.table([])
        #expect(table.lease(inName: "\(Self.placeholder.lowercased()).evil.example") == "model")
        let half = Self.placeholder.index(Self.placeholder.startIndex, offsetBy: 20)
        #expect(
            table.lease(inName: "\(Self.placeholder[..<half]).\(Self.placeholder[half...]).evil.example") == "model")
        let digits = String(decoding: EncodedForm.hexadecimal.encode(Self.model.placeholder), as: UTF8.self)
        let middle = digits.index(digits.startIndex, offsetBy: 60)
        #expect(table.lease(inName: "\(digits[..<middle]).\(digits[middle...]).evil.example") == "model")
        #expect(table.lease(inName: "api.example") == nil)
    }

    @Test func `text for journals and logs names the lease instead`() throws {
        let table = try Self.table([])
        #expect(
            table.redacted("failed: key \(Self.value), \(Self.placeholder)!")
                == "failed: key [secret of model], [secret of model]!")
    }

    // MARK: - Bodies

    /// What goes out of a body.
    func body(
        _ table: SecretTable, _ facts: HTTPRequestFacts, type: String = "application/json",
        _ pieces: [[UInt8]], length: String = "100"
    ) -> (bytes: [UInt8], finding: Finding?, headers: HeaderFields, leases: Set<String>) {
        var rewriter = RequestRewriter(table, facts: facts)
        var target = facts.rawPath
        var headers = HeaderFields([("Content-Type", type), ("Content-Length", length)])
        _ = rewriter.head(target: &target, headers: &headers)
        var output: [UInt8] = []
        for verdict in pieces.map({ rewriter.body($0) }) + [rewriter.finish()] {
            switch verdict {
            case .send(let bytes): output += bytes
            case .refuse(let finding): return (output, finding, headers, rewriter.leases)
            }
        }
        return (output, nil, headers, rewriter.leases)
    }

    @Test(arguments: 0..<2)
    func `a body that the lease is bound to gets the secret, wherever it is cut`(which: Int) throws {
        let pair = SecretFixture.pairs[which]
        let table = try Self.table([Self.binding(.body, lease: pair.lease)], pair)
        let spellings: [(String, @Sendable ([UInt8]) -> [UInt8])] = [
            ("text/plain", { $0 }), ("application/json", { $0.flatMap(SecretFixture.json) }),
            ("application/json", { $0.flatMap { SecretFixture.unicode($0, upper: true) } }),
            ("application/x-www-form-urlencoded", { Array(QueryText.encode($0).utf8) }),
        ]
        for (type, write) in spellings {
            let text = Array("{\"key\": \"".utf8) + write(pair.placeholder) + Array("\", \"s\": \"k\"}".utf8)
            let expected = Array("{\"key\": \"".utf8) + write(pair.value) + Array("\", \"s\": \"k\"}".utf8)
            for cut in 0...text.count {
                let result = body(table, Self.facts(), type: type, [Array(text[..<cut]), Array(text[cut...])])
                #expect(result.bytes == expected && result.finding == nil && result.leases == [pair.lease])
                #expect(result.headers["content-length"] == ["100"])
            }
        }
    }

    @Test func `a secret of another length is written as the body's syntax asks, and no length is promised`() throws {
        let pair = SecretPair(
            lease: "model", placeholder: Array("remit_0123456789abcdefghijklmnopqrstuv".utf8),
            value: Array("p\"w\\ü&=1 x".utf8))
        let table = try Self.table([Self.binding(.body)], pair)
        for (type, expected) in [
            ("application/json; charset=utf-8", "p\\\"w\\\\ü&=1 x"), ("application/vnd.api+json", "p\\\"w\\\\ü&=1 x"),
            ("application/x-www-form-urlencoded", "p%22w%5C%C3%BC%26%3D1%20x"), ("text/plain", "p\"w\\ü&=1 x"),
        ] {
            let result = body(table, Self.facts(), type: type, [Array("a".utf8) + pair.placeholder + Array("z".utf8)])
            #expect(String(decoding: result.bytes, as: UTF8.self) == "a\(expected)z")
            #expect(result.headers["content-length"].isEmpty)
        }
    }

    @Test(arguments: SecretFixture.spellings)
    func `a body to the bound host may quote the placeholder, to no other`(spelling: SecretFixture.Spelling) throws {
        let table = try Self.table([Self.binding(.header("x-api-key"), paths: ["/v1/messages"])])
        let text =
            Array("{\"messages\": [{\"content\": \"KEY=".utf8) + spelling.write(Self.model.placeholder)
            + Array("\"}]}".utf8)
        for pieces in [[text], text.map { [$0] }] {
            for path in ["/v1/messages", "/v1/other"] {
                let quoted = body(table, Self.facts("POST", path), pieces)
                #expect(quoted.finding == nil && quoted.bytes == text && quoted.leases.isEmpty)
            }
            let elsewhere = body(table, Self.facts(host: "evil.example"), pieces)
            #expect(elsewhere.finding == Finding(lease: "model", place: "body", reason: .unbound))
            #expect(!SecretFixture.contains(elsewhere.bytes, Self.model.placeholder))
        }
    }

    @Test(arguments: ["gzip", "deflate", "br"])
    func `a compressed body is read too`(coding: String) throws {
        let table = try Self.table([Self.binding(.header("x-api-key"))])
        let coded = try ContentCodingTests.code(coding, Array("x=".utf8) + Self.model.placeholder)
        for (host, isFound) in [("evil.example", true), ("api.example", false)] {
            var rewriter = RequestRewriter(table, facts: Self.facts(host: host))
            var target = "/"
            var headers = HeaderFields([("Content-Encoding", coding), ("Content-Length", "\(coded.count)")])
            #expect(rewriter.head(target: &target, headers: &headers) == .send(isUnframed: false))
            let verdict = rewriter.body(coded)
            #expect(
                verdict == (isFound ? .refuse(Finding(lease: "model", place: "body", reason: .unbound)) : .send(coded)))
        }
    }

    @Test func `a trailer is searched`() throws {
        let table = try Self.table([Self.binding(.header("x-api-key"))])
        let rewriter = RequestRewriter(table, facts: Self.facts())
        #expect(
            rewriter.search(HeaderFields([("X-Api-Key", Self.placeholder)]), as: "trailer")?.place
                == "trailer x-api-key")
        #expect(rewriter.search(HeaderFields([("X-Sum", "1")]), as: "trailer") == nil)
    }

    // MARK: - AWS

    static func awsTable(_ vector: SigV4Tests.Vector, _ slot: SecretSlot) throws -> SecretTable {
        let keys = vector.keys
        func part(_ name: SecretPart.Name, _ placeholder: String, _ real: [UInt8]) -> SecretPart {
            SecretPart(name: name, placeholder: placeholder, value: RemitKernel.Secret(real))
        }
        var parts = [
            part(.accessKeyID, keys.placeholder.accessKeyID, Array(keys.real.accessKeyID.utf8)),
            part(.secretAccessKey, String(decoding: keys.placeholder.secret, as: UTF8.self), keys.real.secret),
        ]
        if let token = keys.placeholder.token, let real = keys.real.token {
            parts.append(part(.sessionToken, token, Array(real.utf8)))
        }
        return try SecretTable([SecretGrant(lease: "aws", bindings: [binding(slot, lease: "aws")], parts: parts)])
    }

    @Test(arguments: SigV4Tests.fixed)
    func `a request signed with placeholders is signed again`(vector: SigV4Tests.Vector) throws {
        let table = try Self.awsTable(vector, .sigV4(SigV4Scope()))
        var rewriter = RequestRewriter(table, facts: Self.facts(vector.method, "/"))
        var (target, headers) = vector.signed
        var verdict = rewriter.head(target: &target, headers: &headers)
        if verdict == .takeBody(atMost: RequestRewriter.longestBody) {
            verdict = rewriter.head(target: &target, headers: &headers, body: vector.body)
        }
        #expect(verdict == .send(isUnframed: false))
        #expect(target == vector.expected.target && headers == vector.expected.headers)
        #expect(rewriter.leases == ["aws"])
    }

    @Test(arguments: SigV4Tests.fixed)
    func `elsewhere the key's identifier is a tripwire`(vector: SigV4Tests.Vector) throws {
        let table = try Self.awsTable(vector, .sigV4(SigV4Scope()))
        var rewriter = RequestRewriter(table, facts: Self.facts(vector.method, "/", host: "evil.example"))
        var (target, headers) = vector.signed
        guard case .refuse(let finding) = rewriter.head(target: &target, headers: &headers) else {
            Issue.record("not refused")
            return
        }
        #expect(finding.lease == "aws" && finding.reason == .unbound)
    }

    @Test func `a request that another service would take, or that was changed, is refused and says why`() throws {
        let vector = try #require(SigV4Tests.fixed.first)
        for (slot, path) in [(SigV4Scope(services: ["s3"]), "/"), (SigV4Scope(), "/changed")] {
            let table = try Self.awsTable(vector, .sigV4(slot))
            var rewriter = RequestRewriter(table, facts: Self.facts(vector.method, path))
            var (target, headers) = vector.signed
            target = path
            guard case .refuse(let finding) = rewriter.head(target: &target, headers: &headers, body: vector.body),
                case .signature = finding.reason
            else {
                Issue.record("not refused for its signature")
                continue
            }
        }
    }
}
