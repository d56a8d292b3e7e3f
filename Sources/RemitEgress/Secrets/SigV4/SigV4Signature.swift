// SPDX-License-Identifier: Apache-2.0

/// What a request says of its signature (AWS Signature Version 4), in its `Authorization` field or in its query.
struct SigV4Signature: Equatable, Sendable {
    /// For what a signature holds.
    struct Scope: Equatable, Sendable {
        let day: String
        let region: String
        let service: String

        var text: String { "\(day)/\(region)/\(service)/aws4_request" }
    }

    static let algorithm = "AWS4-HMAC-SHA256"

    let accessKeyID: String
    let scope: Scope
    /// When it was signed, as `20150830T123600Z`.
    let date: String
    /// The names of the signed fields.
    let signedNames: [String]
    let signature: String
    /// Whether it stands in the query.
    let isPresigned: Bool

    /// Reads the signature; nil where there is none, or more than one way to read it.
    init?(target: String, headers: HeaderFields) {
        let query = QueryParameters(target: target)
        let authorization = headers["authorization"].filter { $0.hasPrefix(Self.algorithm) }
        let isPresigned = query.single("X-Amz-Algorithm") == Self.algorithm
        guard authorization.count + (isPresigned ? 1 : 0) == 1 else { return nil }
        self.isPresigned = isPresigned

        let credential: String
        let names: String
        if isPresigned {
            guard let date = query.single("X-Amz-Date"), let given = query.single("X-Amz-Credential"),
                let signed = query.single("X-Amz-SignedHeaders"), let code = query.single("X-Amz-Signature")
            else { return nil }
            (self.date, credential, names, signature) = (date, given, signed, code)
        } else {
            let values = Self.values(authorization[0].dropFirst(Self.algorithm.count))
            guard let date = headers.single("x-amz-date"), let given = values["Credential"],
                let signed = values["SignedHeaders"], let code = values["Signature"]
            else { return nil }
            (self.date, credential, names, signature) = (date, given, signed, code)
        }
        let parts = credential.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 5, parts[4] == "aws4_request", parts.allSatisfy({ !$0.isEmpty }), date.hasPrefix(parts[1]),
            date.utf8.count == 16
        else { return nil }
        accessKeyID = parts[0]
        scope = Scope(day: parts[1], region: parts[2], service: parts[3])
        signedNames = names.split(separator: ";").map(String.init)
        guard signedNames.contains("host"), signedNames == signedNames.map({ $0.lowercased() }).sorted() else {
            return nil
        }
    }

    private static func values(_ text: Substring) -> [String: String] {
        var values: [String: String] = [:]
        for part in text.split(separator: ",") {
            let sides = part.trimmed.split(separator: "=", maxSplits: 1)
            if sides.count == 2 { values[String(sides[0])] = String(sides[1]) }
        }
        return values
    }

    /// The field that says who signed what, with another identifier and signature.
    func authorization(_ accessKeyID: String, _ signature: String) -> String {
        "\(Self.algorithm) Credential=\(accessKeyID)/\(scope.text), SignedHeaders=\(signedNames.joined(separator: ";")), "
            + "Signature=\(signature)"
    }
}
