// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RemitNetwork

@Suite struct EgressPolicyTests {
    static func rule(
        _ host: String, ports: Set<UInt16> = [443], http: HTTPRule? = nil, clearText: Bool = false,
        addresses: [String] = [], label: String? = nil
    ) throws -> EgressRule {
        EgressRule(
            label: label ?? host, host: try HostPattern(host), ports: ports, http: http, allowsClearText: clearText,
            addresses: addresses.compactMap { Network($0) }
        )
    }

    static func denial(_ host: String, ports: Set<UInt16> = [], http: HTTPRule? = nil) throws -> EgressRule {
        EgressRule(label: "no \(host)", host: try HostPattern(host), ports: ports, http: http, isDenial: true)
    }

    static func http(_ methods: Set<String>, _ paths: [String] = [], maxBody: UInt64? = nil) -> HTTPRule {
        HTTPRule(methods: methods, paths: paths.compactMap { RequestPathPattern($0) }, maxBody: maxBody)
    }

    static func policy(_ rules: EgressRule...) -> EgressPolicy {
        EgressPolicy(layers: [EgressLayer(name: "the task", rules: rules)])
    }

    static func request(
        _ method: String, _ path: String, host: String = "a.com", port: UInt16 = 443, isTLS: Bool = true,
        length: UInt64? = nil
    ) throws -> HTTPRequestFacts {
        HTTPRequestFacts(
            destination: try Destination(host.utf8), port: port, method: method, rawPath: path, isTLS: isTLS,
            declaredLength: length
        )
    }

    static func isAllowed(_ policy: EgressPolicy, _ host: String, _ port: UInt16 = 443) throws -> Bool {
        if case .allowed = policy.connection(to: try Destination(host.utf8), port: port) { true } else { false }
    }

    @Test func `nothing is allowed by nothing`() throws {
        #expect(try !Self.isAllowed(.none, "a.com"))
        #expect(try !Self.isAllowed(Self.policy(), "a.com"))
        #expect(!EgressPolicy.none.lookup(try HostName("a.com")).isAllowed)
        #expect(try !EgressPolicy.none.request(Self.request("GET", "/")).isAllowed)
        #expect(EgressPolicy.none.isEmpty && Self.policy().isEmpty && EgressPolicy.none.ports == [])
        let open = EgressPolicy(layers: [EgressLayer(name: "x", rules: [], isOpen: true)])
        #expect(try !Self.isAllowed(open, "a.com"))
        #expect(open.isEmpty)
    }

    @Test func `a name is allowed as it is, a wildcard below its name only, and a star never for an address`() throws {
        let policy = Self.policy(try Self.rule("a.com"), try Self.rule("*.b.com"))
        for host in ["a.com", "A.COM.", "x.b.com", "x.y.b.com"] { #expect(try Self.isAllowed(policy, host), "\(host)") }
        for host in ["x.a.com", "b.com", "xb.com", "b.com.evil.org", "evila.com", "192.0.2.1", "[2001:db8::1]"] {
            #expect(try !Self.isAllowed(policy, host), "\(host)")
        }
        #expect(try !Self.isAllowed(policy, "a.com", 80))
        let star = Self.policy(try Self.rule("*"))
        #expect(try Self.isAllowed(star, "any.example"))
        #expect(try !Self.isAllowed(star, "8.8.8.8"))
    }

    @Test func `a denial beats whatever allows, and says which rule it is`() throws {
        let policy = Self.policy(
            try Self.rule("*.a.com"), try Self.rule("x.a.com", label: "precise"), try Self.denial("x.a.com"),
            try Self.denial("y.a.com", ports: [443])
        )
        #expect(try Self.isAllowed(policy, "z.a.com"))
        #expect(
            policy.connection(to: try Destination("x.a.com".utf8), port: 443)
                == .denied(EgressDenial(.rule, by: "no x.a.com")))
        #expect(try !Self.isAllowed(policy, "y.a.com"))
        #expect(policy.lookup(try HostName("x.a.com")) == .denied(EgressDenial(.rule, by: "no x.a.com")))
        // Another port of it may be reached, so it may be asked for.
        #expect(policy.lookup(try HostName("y.a.com")).isAllowed)
    }

    @Test func `literal addresses are reached where a rule names them, in any of their forms`() throws {
        let policy = Self.policy(
            try Self.rule("10.0.0.0/8"), try Self.rule("2001:db8::/32"), try Self.denial("10.9.0.0/16"))
        for host in ["10.1.2.3", "[::ffff:10.1.2.3]", "[2001:db8::5]"] {
            #expect(try Self.isAllowed(policy, host), "\(host)")
        }
        for host in ["11.0.0.1", "10.9.0.1", "[::ffff:10.9.0.1]", "[64:ff9b::10.1.2.3]", "[2002:a01:203::]", "a.com"] {
            #expect(try !Self.isAllowed(policy, host), "\(host)")
        }
        // A range that holds translated forms does not open what a denial closes by its real name.
        let wide = Self.policy(try Self.rule("64:ff9b::/96"), try Self.denial("10.9.0.0/16"))
        #expect(try !Self.isAllowed(wide, "[64:ff9b::10.9.0.1]"))
        #expect(try Self.isAllowed(wide, "[64:ff9b::8.8.8.8]"))
    }

    @Test func `metadata addresses need to be named one by one`() throws {
        #expect(try !Self.isAllowed(Self.policy(try Self.rule("169.254.0.0/16")), "169.254.169.254"))
        #expect(try Self.isAllowed(Self.policy(try Self.rule("169.254.169.254")), "169.254.169.254"))
        #expect(try !Self.isAllowed(Self.policy(try Self.rule("0.0.0.0/0")), "168.63.129.16"))
        let layered = EgressPolicy(layers: [
            EgressLayer(name: "outer", rules: [try Self.rule("169.254.0.0/16")]),
            EgressLayer(name: "the task", rules: [try Self.rule("169.254.169.254")]),
        ])
        #expect(try !Self.isAllowed(layered, "169.254.169.254"))
    }

    @Test func `a name that resolves to a special address is refused unless its rule opens the range`() throws {
        let policy = Self.policy(
            try Self.rule("a.com"), try Self.rule("db.a.com", addresses: ["10.0.0.0/8"]),
            try Self.denial("203.0.114.0/24"))
        guard
            case .allowed(let plain, inspect: false) = policy.connection(to: try Destination("a.com".utf8), port: 443),
            case .allowed(let opened, inspect: false) = policy.connection(
                to: try Destination("db.a.com".utf8), port: 443)
        else {
            Issue.record("refused")
            return
        }
        for text in [
            "127.0.0.1", "10.0.0.1", "::1", "0.0.0.0", "169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::a00:1",
            "fe80::1",
        ] {
            let address = try #require(IPAddress(text))
            #expect(!policy.address(address, for: plain).isAllowed, "\(text)")
        }
        #expect(policy.address(try #require(IPAddress("10.0.0.1")), for: opened).isAllowed)
        #expect(policy.address(try #require(IPAddress("::ffff:10.0.0.1")), for: opened).isAllowed)
        #expect(!policy.address(try #require(IPAddress("64:ff9b::a00:1")), for: opened).isAllowed)
        #expect(!policy.address(try #require(IPAddress("192.168.0.1")), for: opened).isAllowed)
        #expect(policy.address(try #require(IPAddress("8.8.8.8")), for: plain).isAllowed)
        // Denied ranges hold for what names resolve to.
        #expect(
            policy.address(try #require(IPAddress("203.0.114.9")), for: plain)
                == .denied(EgressDenial(.rule, by: "no 203.0.114.0/24")))
    }

    @Test func `layers only take away, and the innermost rule is the one that is named`() throws {
        let operators = EgressLayer(
            name: "the configuration",
            rules: [try Self.rule("*.a.com", ports: [443, 80], clearText: true, addresses: ["10.0.0.0/8"])])
        let task = EgressLayer(
            name: "the task",
            rules: [
                try Self.rule(
                    "x.a.com", ports: [443, 8443], clearText: true, addresses: ["10.1.0.0/16", "192.168.0.0/16"]),
                try Self.rule("b.com"),
            ])
        let policy = EgressPolicy(layers: [operators, task])
        guard
            case .allowed(let rule, inspect: false) = policy.connection(to: try Destination("x.a.com".utf8), port: 443)
        else {
            Issue.record("refused")
            return
        }
        #expect(rule.label == "x.a.com" && rule.allowsClearText && rule.addresses.map(\.description) == ["10.1.0.0/16"])
        #expect(try !Self.isAllowed(policy, "x.a.com", 8443))
        #expect(try !Self.isAllowed(policy, "y.a.com"))
        #expect(
            policy.connection(to: try Destination("b.com".utf8), port: 443)
                == .denied(EgressDenial(.host, by: "the configuration")))
        #expect(policy.ports == [443])
        let denials = EgressLayer(name: "profile", rules: [try Self.denial("x.a.com")], isOpen: true)
        #expect(try !Self.isAllowed(EgressPolicy(layers: [denials, task]), "x.a.com"))
        #expect(try Self.isAllowed(EgressPolicy(layers: [denials, task]), "b.com"))
    }

    @Test func `narrowing never widens`() throws {
        let policy = Self.policy(try Self.rule("a.com"), try Self.rule("b.com"))
        let wider = Self.policy(try Self.rule("*"), try Self.rule("0.0.0.0/0"))
        let narrowed = policy.narrowed(by: wider)
        #expect(try Self.isAllowed(narrowed, "a.com"))
        #expect(try !Self.isAllowed(narrowed, "c.com"))
        #expect(try !Self.isAllowed(policy.narrowed(by: Self.policy(try Self.rule("b.com"))), "a.com"))
        #expect(policy.narrowed(by: .none) == .none)
        #expect(EgressPolicy.none.narrowed(by: wider) == .none)
    }

    @Test func `requests are decided by method, path, body and TLS`() throws {
        let policy = Self.policy(
            try Self.rule("a.com", http: Self.http(["GET", "HEAD"])),
            try Self.rule("a.com", http: Self.http(["POST"], ["/v1/**"], maxBody: 100), label: "post"),
            try Self.denial("a.com", http: Self.http([], ["/admin/**"]))
        )
        guard case .allowed(_, inspect: true) = policy.connection(to: try Destination("a.com".utf8), port: 443) else {
            Issue.record("not inspected")
            return
        }
        #expect(try policy.request(Self.request("GET", "/x")) == .allowed(rule: "a.com", maxBody: nil))
        #expect(try policy.request(Self.request("POST", "/v1/x", length: 100)) == .allowed(rule: "post", maxBody: 100))
        func reason(_ request: HTTPRequestFacts) -> EgressDenial.Reason? {
            if case .denied(let denial) = policy.request(request) { denial.reason } else { nil }
        }
        #expect(try reason(Self.request("POST", "/v1/x", length: 101)) == .body)
        #expect(try reason(Self.request("POST", "/v2")) == .path)
        #expect(try reason(Self.request("DELETE", "/v1/x")) == .method)
        #expect(try reason(Self.request("get", "/x")) == .method)
        #expect(try reason(Self.request("GET", "/x", isTLS: false)) == .clearText)
        #expect(try reason(Self.request("GET", "/admin/x")) == .rule)
        #expect(try reason(Self.request("GET", "/x", host: "b.com")) == .host)
        #expect(try reason(Self.request("GET", "/x", port: 8443)) == .host)
        // A path that hides what it means passes neither a denial nor a rule about paths.
        for path in ["/x/../admin/x", "/%61dmin%2fx", "/v1/..%2fadmin", "//admin/x", "/x\\admin"] {
            #expect(try !policy.request(Self.request("GET", path)).isAllowed, "\(path)")
        }
        #expect(try reason(Self.request("POST", "/v1/../x")) == .ambiguousPath(.dotSegment))
    }

    @Test func `where no rule is about paths, a path may look as it likes`() throws {
        let policy = Self.policy(try Self.rule("a.com", http: Self.http(["GET"])))
        #expect(try policy.request(Self.request("GET", "//x/%2f/..")).isAllowed)
    }

    @Test func `the least generous layer limits the body`() throws {
        let policy = EgressPolicy(layers: [
            EgressLayer(name: "outer", rules: [try Self.rule("*", http: Self.http([], maxBody: 50))]),
            EgressLayer(name: "inner", rules: [try Self.rule("a.com")]),
        ])
        #expect(try policy.request(Self.request("GET", "/")) == .allowed(rule: "a.com", maxBody: 50))
        guard case .allowed(_, inspect: true) = policy.connection(to: try Destination("a.com".utf8), port: 443) else {
            Issue.record("not inspected")
            return
        }
    }

    @Test func `a rule without requests next to one with makes reading unnecessary`() throws {
        let policy = Self.policy(try Self.rule("a.com", http: Self.http(["GET"])), try Self.rule("a.com"))
        #expect(
            policy.connection(to: try Destination("a.com".utf8), port: 443)
                == .allowed(
                    EgressRule(label: "a.com", host: try HostPattern("a.com"), ports: [443]), inspect: false))
        #expect(try policy.request(Self.request("DELETE", "/")).isAllowed)
    }

    @Test func `ten thousand rules cost no more than a hundred to decide`() throws {
        func time(_ count: Int) throws -> Duration {
            var rules: [EgressRule] = []
            for index in 0..<count { rules.append(try Self.rule("h\(index).example\(index % 100).com")) }
            let policy = EgressPolicy(layers: [EgressLayer(name: "t", rules: rules)])
            let last = try Destination("h\(count - 1).example\((count - 1) % 100).com".utf8)
            let clock = ContinuousClock()
            return (0..<5).map { _ in
                clock.measure { for _ in 0..<2000 { _ = policy.connection(to: last, port: 443) } }
            }.min() ?? .zero
        }
        let (few, many) = (try time(100), try time(10_000))
        #expect(many < few * 8, "\(few) and \(many)")
    }

    @Test(
        arguments: [
            ("a.com", nil), ("x.b.com", nil), ("c.com", "no rule names the host"), ("b.com", "no rule names the host"),
            ("*.b.com", nil), ("*", "no rule names the host"), ("secret.b.com", "no secret.b.com denies it"),
            ("10.1.0.0/16", nil), ("10.0.0.0/7", "no rule names the host"),
        ] as [(String, String?)])
    func `a rule beyond a bound is found, with what it lacks`(host: String, excess: String?) throws {
        let bound = EgressLayer(
            name: "bound",
            rules: [
                try Self.rule("a.com"), try Self.rule("*.b.com"), try Self.rule("10.0.0.0/8"),
                try Self.denial("secret.b.com"),
            ])
        #expect(bound.excess(of: try Self.rule(host)) == excess)
    }

    @Test func `every part of a rule is bounded`() throws {
        let bound = EgressLayer(
            name: "bound",
            rules: [
                try Self.rule(
                    "a.com", ports: [443, 8443], http: Self.http(["GET", "POST"], ["/v1/**"], maxBody: 100)),
                try Self.rule("b.com", addresses: ["10.0.0.0/8"]),
            ])
        func excess(_ rule: EgressRule) -> String? { bound.excess(of: rule) }
        #expect(try excess(Self.rule("a.com", http: Self.http(["GET"], ["/v1/x"], maxBody: 1))) == nil)
        #expect(try excess(Self.rule("a.com")) == "requests must be restricted as a.com does")
        #expect(
            try excess(Self.rule("a.com", http: Self.http(["PUT"], ["/v1/x"], maxBody: 1)))
                == "a.com allows fewer requests")
        #expect(try excess(Self.rule("a.com", http: Self.http(["GET"], ["/**"], maxBody: 1))) != nil)
        #expect(try excess(Self.rule("a.com", http: Self.http(["GET"], ["/v1/x"]))) != nil)
        #expect(try excess(Self.rule("a.com", http: Self.http([], ["/v1/x"], maxBody: 1))) != nil)
        #expect(try excess(Self.rule("b.com", ports: [443, 80])) == "no rule names port 80")
        #expect(try excess(Self.rule("b.com", clearText: true)) == "b.com does not allow clear text")
        #expect(try excess(Self.rule("b.com", addresses: ["10.1.0.0/16"])) == nil)
        #expect(try excess(Self.rule("b.com", addresses: ["192.168.0.0/16"])) == "b.com does not open 192.168.0.0/16")
        var rule = try Self.rule("b.com")
        rule.sni = .optional
        #expect(excess(rule) == "b.com requires the server name")
        rule.sni = .required
        rule.opaque = .unlessTLS
        #expect(excess(rule) == "b.com allows HTTP and TLS only")
    }
}
