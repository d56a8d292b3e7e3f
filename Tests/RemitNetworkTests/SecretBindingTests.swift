// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RemitNetwork

@Suite struct SecretBindingTests {
    static func binding(_ host: String = "api.a.com") throws -> SecretBinding {
        SecretBinding(
            lease: "key", hosts: try HostPattern(host), methods: ["GET", "POST"],
            paths: ["/v1/**"].compactMap { RequestPathPattern($0) }, slot: .header("authorization")
        )
    }

    static func request(
        _ method: String = "GET", _ path: String = "/v1/x", host: String = "api.a.com", port: UInt16 = 443,
        isTLS: Bool = true
    ) throws -> HTTPRequestFacts {
        HTTPRequestFacts(
            destination: try Destination(host.utf8), port: port, method: method, rawPath: path, isTLS: isTLS)
    }

    @Test func `a secret goes where it is bound and nowhere else`() throws {
        let binding = try Self.binding()
        #expect(try binding.covers(Self.request()))
        for other in [
            try Self.request(host: "a.com"), try Self.request(host: "api.a.com.evil.org"), try Self.request(port: 8443),
            try Self.request("DELETE"), try Self.request("GET", "/v2/x"), try Self.request("GET", "/v1/../v2"),
            try Self.request("GET", "/v1%2fx"), try Self.request(isTLS: false), try Self.request("get"),
        ] {
            #expect(!binding.covers(other), "\(other)")
        }
    }

    @Test func `no binding covers TRACE and CONNECT, in whatever case`() throws {
        var binding = try Self.binding()
        binding.methods = []
        binding.paths = []
        #expect(try binding.covers(Self.request("PATCH")))
        for method in ["TRACE", "trace", "CONNECT", "Connect"] {
            #expect(try !binding.covers(Self.request(method)))
        }
        binding.methods = ["TRACE"]
        #expect(try !binding.covers(Self.request("TRACE")))
        binding.methods = []
        binding.allowsClearText = true
        #expect(try binding.covers(Self.request(isTLS: false)))
    }

    @Test func `a binding covers one that is narrower in every respect`() throws {
        let wide = try Self.binding("*.a.com")
        var narrow = try Self.binding()
        #expect(wide.covers(narrow) && !narrow.covers(wide))
        narrow.methods = []
        #expect(!wide.covers(narrow))
        narrow = try Self.binding()
        narrow.paths = []
        #expect(!wide.covers(narrow))
        narrow = try Self.binding()
        narrow.ports = [80]
        #expect(!wide.covers(narrow))
        narrow = try Self.binding()
        narrow.slot = .body
        #expect(!wide.covers(narrow))
        narrow = try Self.binding()
        narrow.allowsClearText = true
        #expect(!wide.covers(narrow))
    }

    @Test func `a signature is made for the services and regions named`() {
        let scope = SigV4Scope(services: ["s3"], regions: ["eu-central-1"])
        #expect(scope.allows(service: "s3", region: "eu-central-1"))
        #expect(
            !scope.allows(service: "iam", region: "eu-central-1") && !scope.allows(service: "s3", region: "us-east-1"))
        #expect(SigV4Scope().allows(service: "x", region: "y"))
    }
}
