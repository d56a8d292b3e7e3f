// SPDX-License-Identifier: Apache-2.0

package import RemitNetwork

/// Puts secrets in the place of placeholders in one request, as it passes, where their leases are bound; finds placeholders
/// everywhere else.
///
/// Placeholders are found in every spelling that ``PatternStream`` reads. They are swapped only where they stand as they
/// are, in Basic credentials, or percent- or JSON-escaped. In the body of a request to a host that a lease is bound to they
/// pass unswapped: there they are quoted, in the transcript of a conversation for one.
package struct RequestRewriter {
    /// What to do with the head of a request.
    package enum HeadVerdict: Equatable, Sendable {
        /// Send it. Where the body's length is no longer known, the fields say nothing of it, and the caller frames it.
        case send(isUnframed: Bool)
        /// Take the whole body first, of at most so many bytes, and call ``RequestRewriter/head(target:headers:body:)``
        /// again with it; refuse the request where it is longer.
        case takeBody(atMost: Int)
        /// Refuse the request.
        case refuse(Finding)
    }

    /// What to do with a piece of the body.
    package enum BodyVerdict: Equatable, Sendable {
        /// Send these bytes, which may be none.
        case send([UInt8])
        /// Cut the request off.
        case refuse(Finding)
    }

    /// The longest body that is taken whole, in bytes: for signatures over bodies that say nothing of their digest.
    package static let longestBody = 8 << 20

    /// The leases whose secrets the request has got so far.
    package private(set) var leases: Set<String> = []

    private let table: SecretTable
    private let facts: HTTPRequestFacts
    private let active: [SecretBinding]
    /// Leases bound to this host, in some way.
    private let local: Set<String>
    private var body: BodyRewriter
    private var chunks: AWSChunkSigner?

    /// - Parameter facts: what the request is; its host is the one that the connection was made to.
    package init(_ table: SecretTable, facts: HTTPRequestFacts) {
        self.table = table
        self.facts = facts
        active = table.bindings.filter { !table.fenced.contains($0.lease) && $0.covers(facts) }
        local = Set(table.bindings.filter { $0.concerns(facts.destination, port: facts.port) }.map(\.lease))
        body = BodyRewriter(table, swapped: Set(active.filter { $0.slot == .body }.map(\.lease)), inert: local)
    }

    /// Rewrites the head: the target as on the wire, and the fields.
    ///
    /// - Parameter wholeBody: the body, where an earlier verdict asked for it.
    package mutating func head(
        target: inout String, headers: inout HeaderFields, body wholeBody: [UInt8]? = nil
    ) -> HeadVerdict {
        guard !table.isEmpty else { return .send(isUnframed: false) }
        switch sign(&target, &headers, wholeBody) {
        case nil: break
        case .some(let verdict): return verdict
        }
        for binding in active {
            for part in table.parts
            where part.pair.lease == binding.lease && swap(part, binding.slot, &target, &headers) {
                leases.insert(binding.lease)
            }
        }
        if let finding = search(target: target, headers: headers) { return .refuse(finding) }
        return .send(isUnframed: body.start(&headers))
    }

    /// Takes a piece of the body.
    package mutating func body(_ bytes: [UInt8]) -> BodyVerdict {
        var bytes = bytes
        if chunks != nil {
            do { bytes = try chunks?.push(bytes) ?? bytes } catch { return .refuse(unsigned(error.description)) }
        }
        return finish(body.push(bytes))
    }

    /// The body has ended, or a message of a WebSocket: the rest of it.
    package mutating func finish() -> BodyVerdict {
        do { try chunks?.finish() } catch { return .refuse(unsigned(error.description)) }
        return finish(body.finish())
    }

    private mutating func finish(_ result: BodyRewriter.Result) -> BodyVerdict {
        switch result {
        case .bytes(let bytes):
            leases.formUnion(body.leases)
            return .send(bytes)
        case .found(let lease):
            return .refuse(finding(lease, "body"))
        }
    }

    /// Searches the fields of a trailer, or others, in which nothing is swapped.
    package func search(_ headers: HeaderFields, as kind: String) -> Finding? {
        for field in headers.fields {
            guard let lease = table.lease(in: Array(field.value.utf8)) ?? table.lease(in: Array(field.name.utf8)) else {
                continue
            }
            // A name with a placeholder in it is not repeated.
            let name = table.lease(in: Array(field.name.utf8)) == nil ? field.name.lowercased() : "name"
            return finding(lease, "\(kind) \(name)")
        }
        return nil
    }

    // MARK: - The head

    private func search(target: String, headers: HeaderFields) -> Finding? {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        if let lease = table.lease(in: Array(parts[0].utf8)) { return finding(lease, "path") }
        if parts.count > 1, let lease = table.lease(in: Array(parts[1].utf8)) { return finding(lease, "query") }
        if let lease = table.lease(in: Array(target.utf8)) { return finding(lease, "target") }
        if let lease = table.lease(in: Array(facts.method.utf8)) { return finding(lease, "method") }
        return search(headers, as: "header")
    }

    private func finding(_ lease: String, _ place: String) -> Finding {
        Finding(
            lease: lease, place: place,
            reason: table.fenced.contains(lease) && local.contains(lease) ? .fenced : .unbound
        )
    }

    private func swap(
        _ part: SecretTable.Part, _ slot: SecretSlot, _ target: inout String, _ headers: inout HeaderFields
    ) -> Bool {
        // A control character in a field would end it.
        guard part.pair.value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return false }
        switch slot {
        case .header(let name): return headers.swap(name) { Self.replace(in: $0, part.pair) }
        case .basic: return headers.swap("authorization") { Self.replaceBasic(in: $0, part.pair) }
        case .query(let name): return QueryText.swap(name, part.pair, in: &target)
        case .body, .sigV4: return false
        }
    }

    private static func replace(in value: String, _ pair: SecretPair) -> String? {
        let bytes = Array(value.utf8)
        let placeholder = pair.placeholder
        var output: [UInt8] = []
        var index = 0
        var isFound = false
        while index < bytes.count {
            if bytes[index...].starts(with: placeholder) {
                output += pair.value
                index += placeholder.count
                isFound = true
            } else {
                output.append(bytes[index])
                index += 1
            }
        }
        return isFound ? String(decoding: output, as: UTF8.self) : nil
    }

    /// `Basic`, then Base 64 of user, colon and password (RFC 7617): either may be the placeholder.
    private static func replaceBasic(in value: String, _ pair: SecretPair) -> String? {
        let words = value.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count == 2, words[0].lowercased() == "basic", let credentials = Base64.decode(words[1].utf8),
            let colon = credentials.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        var user = credentials[..<colon]
        var password = credentials[(colon + 1)...]
        guard user.elementsEqual(pair.placeholder) || password.elementsEqual(pair.placeholder) else { return nil }
        // A user name ends at the first colon.
        if user.elementsEqual(pair.placeholder), !pair.value.contains(UInt8(ascii: ":")) { user = pair.value[...] }
        if password.elementsEqual(pair.placeholder) { password = pair.value[...] }
        let encoded = Base64.encode(user + [UInt8(ascii: ":")] + password, padded: true)
        return "Basic " + String(decoding: encoded, as: UTF8.self)
    }

    // MARK: - Signatures of AWS

    /// Signs again what is signed with placeholders; nil where nothing is, or where it is done.
    private mutating func sign(
        _ target: inout String, _ headers: inout HeaderFields, _ body: [UInt8]?
    ) -> HeadVerdict? {
        guard let signature = SigV4Signature(target: target, headers: headers) else { return nil }
        for binding in active {
            guard case .sigV4(let scope) = binding.slot,
                let keys = SigV4KeyPair(lease: binding.lease, in: table, accessKeyID: signature.accessKeyID)
            else { continue }
            var resigner = SigV4Resigner(signature, keys: keys, scope: scope, method: facts.method)
            do {
                guard try resigner.resign(target: &target, headers: &headers, body: body) else {
                    return .takeBody(atMost: Self.longestBody)
                }
                chunks = resigner.chunks
                leases.insert(binding.lease)
                return nil
            } catch {
                return .refuse(
                    Finding(lease: binding.lease, place: "signature", reason: .signature(error.description))
                )
            }
        }
        return nil
    }

    private func unsigned(_ why: String) -> Finding {
        Finding(lease: chunks?.lease ?? "", place: "signature", reason: .signature(why))
    }
}

extension HeaderFields {
    /// Changes the values of all fields of that name; gives whether one was.
    fileprivate mutating func swap(_ name: String, _ change: (String) -> String?) -> Bool {
        var isChanged = false
        for index in fields.indices where fields[index].isNamed(name) {
            guard let value = change(fields[index].value) else { continue }
            fields[index].value = value
            isChanged = true
        }
        return isChanged
    }
}
