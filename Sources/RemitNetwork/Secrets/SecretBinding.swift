// SPDX-License-Identifier: Apache-2.0

/// Where in a request a secret belongs.
package enum SecretSlot: Hashable, Sendable, Codable {
    /// The value of a header, by its name in lower case; the placeholder may be a part of it.
    case header(String)
    /// The user name or password of `Authorization: Basic` (RFC 7617).
    case basic
    /// The value of a parameter of the query.
    case query(String)
    /// Anywhere in the body.
    case body
    /// The signature of an AWS request (Signature Version 4), made again with the real key pair.
    case sigV4(SigV4Scope)
}

/// Which signatures may be made.
package struct SigV4Scope: Hashable, Sendable, Codable {
    /// Services as in a credential scope, such as `s3`; none means every one.
    package var services: Set<String>
    /// Regions as in a credential scope; none means every one.
    package var regions: Set<String>

    /// Makes a scope; what is left out is not restricted.
    package init(services: Set<String> = [], regions: Set<String> = []) {
        self.services = services
        self.regions = regions
    }
}

/// To which requests a secret may be added: a placeholder anywhere else is a tripwire.
package struct SecretBinding: Hashable, Sendable {
    /// The name of the credential whose lease it belongs to.
    package var lease: String
    /// The hosts that get the real value.
    package var hosts: HostPattern
    /// Their ports.
    package var ports: Set<UInt16>
    /// Methods as on the wire; none means every one but TRACE and CONNECT, which never get it.
    package var methods: Set<String>
    /// Paths; none means every one.
    package var paths: [RequestPathPattern]
    /// Where it belongs.
    package var slot: SecretSlot
    /// Whether it may go over HTTP without TLS.
    package var allowsClearText: Bool

    /// Makes a binding.
    package init(
        lease: String, hosts: HostPattern, ports: Set<UInt16> = [443], methods: Set<String> = [],
        paths: [RequestPathPattern] = [], slot: SecretSlot, allowsClearText: Bool = false
    ) {
        self.lease = lease
        self.hosts = hosts
        self.ports = ports
        self.methods = methods
        self.paths = paths
        self.slot = slot
        self.allowsClearText = allowsClearText
    }

    /// Whether some request of a connection may get the secret, so that its requests have to be read.
    package func concerns(_ destination: Destination, port: UInt16) -> Bool {
        hosts.matches(destination) && ports.contains(port)
    }

    /// Whether a request may get the secret.
    package func covers(_ request: HTTPRequestFacts) -> Bool {
        guard concerns(request.destination, port: request.port), request.isTLS || allowsClearText else { return false }
        let method = request.method.uppercased()
        guard method != "TRACE", method != "CONNECT", methods.isEmpty || methods.contains(request.method) else {
            return false
        }
        if paths.isEmpty { return true }
        guard let path = try? RequestPath(Array(request.rawPath.utf8)) else { return false }
        return paths.contains { $0.matches(path) }
    }

    /// Whether every request that another binding covers is one of this one's, in the same slot.
    package func covers(_ other: SecretBinding) -> Bool {
        let http = HTTPRule(methods: methods, paths: paths)
        return hosts.covers(other.hosts) && other.ports.isSubset(of: ports)
            && http.covers(HTTPRule(methods: other.methods, paths: other.paths)) && slot.covers(other.slot)
            && (allowsClearText || !other.allowsClearText)
    }
}

extension SecretSlot {
    fileprivate func covers(_ other: SecretSlot) -> Bool {
        guard case .sigV4(let own) = self, case .sigV4(let theirs) = other else { return self == other }
        return SigV4Scope.covers(own.services, theirs.services) && SigV4Scope.covers(own.regions, theirs.regions)
    }
}

extension SigV4Scope {
    /// Whether a signature of a service in a region may be made.
    package func allows(service: String, region: String) -> Bool {
        (services.isEmpty || services.contains(service)) && (regions.isEmpty || regions.contains(region))
    }

    fileprivate static func covers(_ own: Set<String>, _ theirs: Set<String>) -> Bool {
        own.isEmpty || (!theirs.isEmpty && theirs.isSubset(of: own))
    }
}
