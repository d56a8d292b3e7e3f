// SPDX-License-Identifier: Apache-2.0
// What tasks, profiles and the configuration say about the network.

internal import RemitNetwork

extension ValueReader {
    /// `network:` of any file; the shape says whose.
    func networkRules(_ shape: ObjectShape = Shapes.network) throws(FileError) -> NetworkRules {
        let object = try object(shape)
        return NetworkRules(
            allow: try object.optional("allow")?.entries { (item) throws(FileError) in
                try item.networkEntry(Shapes.allowance)
            },
            deny: try object.optional("deny")?.entries { (item) throws(FileError) in
                try item.networkEntry(Shapes.denial)
            } ?? [],
            tripwire: try object.optional("tripwire")?.choice()
        )
    }

    /// A policy of more rules than anybody reads is no policy, and every one of them is sent to the gate.
    private func entries(
        _ read: (ValueReader) throws(FileError) -> NetworkEntry
    ) throws(FileError) -> [NetworkEntry] {
        let entries = try list(read)
        guard entries.count <= 4096 else { throw refuse("has more than 4096 items", hint: "use patterns or groups") }
        return entries
    }

    private func networkEntry(_ shape: ObjectShape) throws(FileError) -> NetworkEntry {
        if case .scalar = node.content { return .rule(NetworkRule(host: try hostPattern())) }
        let object = try object(shape)
        guard let group = object.optional("group") else { return .rule(try networkRule(object)) }
        for field in shape.fields where field.key != "group" {
            if let other = object.optional(field.key) {
                throw other.refuse("is next to `group`, which says it all", hint: "write two items")
            }
        }
        return .group(try group.text(checkedBy: Name.problem))
    }

    /// One rule, as groups hold them.
    func networkRule() throws(FileError) -> NetworkRule {
        if case .scalar = node.content { return NetworkRule(host: try hostPattern()) }
        return try networkRule(object(Shapes.networkRule))
    }

    private func networkRule(_ object: ObjectReader) throws(FileError) -> NetworkRule {
        guard let host = object.optional("host") else {
            throw object.refuse(
                "missing key `host` in `\(path)`", at: object.node.position,
                hint: "write `host: api.example.com`, or `group: model-apis`"
            )
        }
        let http = try object.optional("http").map { (reader) throws(FileError) in try reader.requests() }
        return NetworkRule(
            host: try host.hostPattern(),
            ports: try object.optional("ports")?.ports(),
            http: http,
            clearText: try object.known("clearText")?.boolean() ?? false,
            opaque: try opaque(object, http),
            sni: try object.known("sni")?.choice() ?? .required,
            addresses: try object.known("addresses")?.networks() ?? []
        )
    }

    private func opaque(_ object: ObjectReader, _ http: HTTPRule?) throws(FileError) -> Bool? {
        guard let reader = object.known("opaque") else { return nil }
        let opaque = try reader.boolean()
        if opaque, http != nil {
            throw reader.refuse("is next to `http`: what is not HTTP has no requests", hint: "write two items")
        }
        return opaque
    }

    private func requests() throws(FileError) -> HTTPRule {
        let isDenial = path.contains(".deny[")
        let object = try object(isDenial ? Shapes.deniedRequests : Shapes.requests)
        return HTTPRule(
            methods: try object.optional("methods")?.methods() ?? [],
            paths: try object.optional("paths")?.paths() ?? [],
            maxBody: try object.known("maxBody")?.byteCount(atLeast: ByteCount(bytes: 0)).bytes
        )
    }

    /// A host name, `*.` and a host name, `*`, an address, or a range of addresses.
    func hostPattern() throws(FileError) -> HostPattern {
        let text = try text()
        do throws(HostNameError) { return try HostPattern(text) } catch {
            let excerpt = Excerpt.of(text)
            if text.contains("://") {
                throw refuse("is `\(excerpt)`, which is a URL", hint: "write the host alone, and paths below `http`")
            }
            if let colon = text.lastIndex(of: ":"), Authority.port(text[text.index(after: colon)...].utf8) != nil,
                let pattern = try? HostPattern(String(text[..<colon]))
            {
                throw refuse(
                    "is `\(excerpt)`, which has a port",
                    hint: "write `{host: \"\(pattern)\", ports: [\(text[text.index(after: colon)...])]}`"
                )
            }
            if text.contains("*") {
                throw refuse(
                    "is `\(excerpt)`: a `*` stands for whole labels at the beginning only",
                    hint: "write `*.example.com`"
                )
            }
            if text.contains("/") {
                throw refuse(
                    "is `\(excerpt)`, which is not a range of addresses",
                    hint: "write `10.0.0.0/8`, without bits beyond the prefix"
                )
            }
            throw refuse("is `\(excerpt)`, which \(error)")
        }
    }

    /// Ports and ranges of them, sorted.
    func ports() throws(FileError) -> [UInt16] {
        var ports: Set<UInt16> = []
        for item in try items(atLeast: 1) {
            let range = try item.portRange()
            guard ports.isDisjoint(with: range) else { throw item.refuse("repeats a port") }
            ports.formUnion(range)
            guard ports.count <= 1024 else { throw refuse("names more than 1024 ports") }
        }
        return ports.sorted()
    }

    private func portRange() throws(FileError) -> ClosedRange<UInt16> {
        let text = try text()
        let bounds = text.split(separator: "-", omittingEmptySubsequences: false).map { Authority.port($0.utf8) }
        if bounds.count == 2, let first = bounds[0], let last = bounds[1] {
            guard first < last else { throw refuse("is `\(Excerpt.of(text))`, which ends before it begins") }
            return first...last
        }
        let port = UInt16(truncatingIfNeeded: try integer(in: Shapes.portRange))
        return port...port
    }

    func methods() throws(FileError) -> Set<String> {
        if isEmptyList { throw refuse("is an empty list") }
        return Set(try uniqueTexts(checkedBy: HTTPMethod.problem))
    }

    func paths() throws(FileError) -> [RequestPathPattern] {
        if isEmptyList { throw refuse("is an empty list") }
        return try uniqueTexts(checkedBy: RequestPathPattern.problem).compactMap { RequestPathPattern($0) }
    }

    private var isEmptyList: Bool { if case .list(let nodes) = node.content { nodes.isEmpty } else { false } }

    private func networks() throws(FileError) -> [Network] {
        try list(atLeast: 1) { (item) throws(FileError) in
            let text = try item.text()
            guard let network = Network(text) else {
                throw item.refuse(
                    "is `\(Excerpt.of(text))`, which is not a range of addresses",
                    hint: "write `10.0.0.0/8`, without bits beyond the prefix"
                )
            }
            guard network.prefix > 0 else { throw item.refuse("is `\(network)`, which is every address") }
            return network
        }
    }

    /// The operator's own addresses of names, out of `network:`.
    func hostAddresses() throws(FileError) -> [HostName: [IPAddress]] {
        guard let reader = try object(Shapes.operatorNetwork).optional("hosts") else { return [:] }
        let written = try reader.map(keys: { (try? HostName($0)) == nil ? "is not a host name" : nil }) {
            (list) throws(FileError) in
            try list.list(atLeast: 1) { (item) throws(FileError) in
                let text = try item.text()
                guard let address = IPAddress(text) else {
                    throw item.refuse("is `\(Excerpt.of(text))`, which is not an address")
                }
                return address
            }
        }
        var hosts: [HostName: [IPAddress]] = [:]
        for (text, addresses) in written {
            guard let name = try? HostName(text) else { continue }
            guard hosts.updateValue(addresses, forKey: name) == nil else {
                throw reader.refuse("names `\(name)` twice")
            }
        }
        return hosts
    }

    /// How hosts are verified, out of the operator's `network:`.
    func upstreamTrust() throws(FileError) -> UpstreamTrust {
        let object = try object(Shapes.operatorNetwork)
        return UpstreamTrust(
            authorities: try object.optional("authorities")?.uniqueTexts(checkedBy: AbsolutePath.problem) ?? [],
            clientCertificates: try object.optional("clientCertificates")?.list { (item) throws(FileError) in
                let object = try item.object(Shapes.clientCertificate)
                return UpstreamTrust.ClientCertificate(
                    host: try object.required("host").hostPattern(),
                    certificate: try object.required("certificate").text(checkedBy: AbsolutePath.problem),
                    key: try object.required("key").text(checkedBy: AbsolutePath.problem)
                )
            } ?? []
        )
    }
}
