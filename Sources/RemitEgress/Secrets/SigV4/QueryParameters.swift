// SPDX-License-Identifier: Apache-2.0

/// The parameters of a request's target, as they are written, in their order.
struct QueryParameters {
    let path: String
    private var parameters: [(name: String, value: String, hasValue: Bool)]

    init(target: String) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(parts[0])
        let query = parts.count > 1 ? parts[1] : ""
        parameters = query.split(separator: "&").map { parameter in
            let sides = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(sides[0]), sides.count > 1 ? String(sides[1]) : "", sides.count > 1)
        }
    }

    /// The decoded value, where exactly one parameter has that name.
    func single(_ name: String) -> String? {
        let found = parameters.filter { Self.decode($0.name) == name }
        return found.count == 1 ? Self.decode(found[0].value) : nil
    }

    /// Writes the value into the parameters of that name.
    mutating func set(_ name: String, _ value: String) {
        for index in parameters.indices where Self.decode(parameters[index].name) == name {
            parameters[index].value = QueryText.encode(value.utf8)
        }
    }

    var target: String {
        guard !parameters.isEmpty else { return path }
        return path + "?" + parameters.map { $0.hasValue ? "\($0.name)=\($0.value)" : $0.name }.joined(separator: "&")
    }

    /// The query as it is signed, without the signature: sorted, encoded anew or as it is written.
    func canonical(encodedAnew: Bool) -> String {
        let signed = parameters.filter { Self.decode($0.name) != "X-Amz-Signature" }
        let pairs = signed.map { parameter -> (String, String) in
            encodedAnew
                ? (
                    QueryText.encode(Self.decode(parameter.name).utf8),
                    QueryText.encode(Self.decode(parameter.value).utf8)
                )
                : (parameter.name, parameter.value)
        }
        return pairs.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    private static func decode(_ text: String) -> String {
        String(decoding: QueryText.decode(text.utf8, plusIsSpace: false), as: UTF8.self)
    }
}
