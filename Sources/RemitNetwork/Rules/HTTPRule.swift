// SPDX-License-Identifier: Apache-2.0

/// What a rule says about HTTP requests; a rule that has one needs its connections read.
package struct HTTPRule: Hashable, Sendable, Codable {
    /// The methods, as on the wire; none means every one.
    package var methods: Set<String>
    /// The paths; none means every one.
    package var paths: [RequestPathPattern]
    /// The most bytes that the body of one request may have; nothing means no limit.
    package var maxBody: UInt64?

    /// Makes a rule; what is left out is not restricted.
    package init(methods: Set<String> = [], paths: [RequestPathPattern] = [], maxBody: UInt64? = nil) {
        self.methods = methods
        self.paths = paths
        self.maxBody = maxBody
    }

    /// Whether every request of another rule is one of this one's; nothing stands for every request.
    package func covers(_ other: HTTPRule?) -> Bool {
        let other = other ?? HTTPRule()
        let hasMethods = methods.isEmpty || (!other.methods.isEmpty && other.methods.isSubset(of: methods))
        let hasPaths =
            paths.isEmpty
            || (!other.paths.isEmpty && other.paths.allSatisfy { path in paths.contains { $0.covers(path) } })
        let hasBody = maxBody.map { limit in (other.maxBody ?? .max) <= limit } ?? true
        return hasMethods && hasPaths && hasBody
    }
}

/// What is known of a request when it is decided on.
package struct HTTPRequestFacts: Hashable, Sendable {
    /// The host of `Host` or `:authority`, which is that of the connection.
    package var destination: Destination
    /// The port of the connection.
    package var port: UInt16
    /// The method as on the wire.
    package var method: String
    /// The path as on the wire, without query and fragment.
    package var rawPath: String
    /// Whether the request came over TLS.
    package var isTLS: Bool
    /// The length that the request declares for its body; nothing where it declares none.
    package var declaredLength: UInt64?

    /// Makes the facts of a request.
    package init(
        destination: Destination, port: UInt16, method: String, rawPath: String, isTLS: Bool,
        declaredLength: UInt64? = nil
    ) {
        self.destination = destination
        self.port = port
        self.method = method
        self.rawPath = rawPath
        self.isTLS = isTLS
        self.declaredLength = declaredLength
    }
}
