// SPDX-License-Identifier: Apache-2.0

/// The body of a request: swaps placeholders where a lease is bound to it, lets those pass that may be quoted, and finds
/// all others.
struct BodyRewriter {
    enum Result: Equatable {
        case bytes([UInt8])
        /// A placeholder of this lease is where it may not be.
        case found(String)
    }

    /// The leases whose secrets were written.
    private(set) var leases: Set<String> = []

    private var rules: BodyRules
    private var stream: PatternStream
    /// Reads along where the body is compressed; what is sent stays as it is.
    private var coded: CodedBody?

    init(_ table: SecretTable, swapped: Set<String>, inert: Set<String>) {
        rules = BodyRules(table: table, swapped: swapped, inert: inert)
        stream = PatternStream(table.placeholders)
    }

    /// Reads the head's fields; gives whether the body's length may change, and then they say nothing of it.
    mutating func start(_ headers: inout HeaderFields) -> Bool {
        Self.restrictCodings(&headers)
        let codings = headers["content-encoding"].joined(separator: ",").trimmed
        if !codings.isEmpty, codings.lowercased() != "identity" {
            coded = CodedBody(try? ContentCoding.list([String(codings)]))
            rules.swapped = []
            return false
        }
        rules.syntax = BodyRules.Syntax(contentType: headers["content-type"].first ?? "")
        guard rules.changeLength, !headers["content-length"].isEmpty || !headers["transfer-encoding"].isEmpty else {
            return false
        }
        headers.remove("content-length")
        return true
    }

    mutating func push(_ bytes: [UInt8]) -> Result {
        guard var coded else { return search(bytes, isLast: false) }
        var result = Result.bytes(bytes)
        coded.read(bytes) { piece in
            if case .found(let lease) = search(piece, isLast: false) { result = .found(lease) }
            // Nothing is held back of what is sent: what is found has to be told at once.
            let leases = stream.undecided.map { rules.table.parts[$0].pair.lease }
            if let lease = leases.first(where: { !rules.inert.contains($0) }) { result = .found(lease) }
            return result == .bytes(bytes)
        }
        self.coded = coded
        return result
    }

    mutating func finish() -> Result {
        let rest = search([], isLast: true)
        if coded != nil, case .bytes = rest { return .bytes([]) }
        return rest
    }

    private mutating func search(_ bytes: [UInt8], isLast: Bool) -> Result {
        var found: String?
        var used: Set<String> = []
        let rules = rules
        let decide: PatternStream.Decision = { match, source in
            switch rules.decide(match, source) {
            case .write(let bytes, let lease):
                used.insert(lease)
                return bytes
            case .pass: break
            case .refuse(let lease): found = found ?? lease
            }
            return nil
        }
        let output = isLast ? stream.finish(decide: decide) : stream.push(bytes, decide: decide)
        leases.formUnion(used)
        return found.map { .found($0) } ?? .bytes(output)
    }

    /// Asks for no content coding in which the response could not be searched.
    private static func restrictCodings(_ headers: inout HeaderFields) {
        let fields = headers["accept-encoding"]
        guard !fields.isEmpty else { return }
        let offered = fields.flatMap { $0.split(separator: ",") }.map { String($0.trimmed) }
        let known = offered.filter { offer in
            let name = (offer.split(separator: ";").first?.trimmed ?? "").lowercased()
            return name == "identity" || name == "x-gzip" || ContentCoding(rawValue: name) != nil
        }
        guard known.count < offered.count else { return }
        headers.set("accept-encoding", known.isEmpty ? "identity" : known.joined(separator: ", "))
    }
}
