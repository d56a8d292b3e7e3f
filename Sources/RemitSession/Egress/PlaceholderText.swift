// SPDX-License-Identifier: Apache-2.0

internal import RemitGate

/// A secret's placeholders as programs read them.
struct PlaceholderText {
    private let parts: [SecretPart.Name: String]

    init(_ parts: [SecretPart.Name: String]) { self.parts = parts }

    /// One variable, or of a key pair those that begin with `name` as the AWS SDKs read them.
    func variables(named name: String) -> [(name: String, text: String)] {
        if let value = parts[.value] { return [(name, value)] }
        let suffixes: [(SecretPart.Name, String)] = [
            (.accessKeyID, "ACCESS_KEY_ID"), (.secretAccessKey, "SECRET_ACCESS_KEY"), (.sessionToken, "SESSION_TOKEN"),
        ]
        return suffixes.compactMap { part, suffix in parts[part].map { ("\(name)_\(suffix)", $0) } }
    }

    /// The value alone, or a key pair as a file of shared credentials of the AWS SDKs.
    var file: String {
        if let value = parts[.value] { return value }
        let keys: [(SecretPart.Name, String)] = [
            (.accessKeyID, "aws_access_key_id"), (.secretAccessKey, "aws_secret_access_key"),
            (.sessionToken, "aws_session_token"),
        ]
        return "[default]\n" + keys.compactMap { part, key in parts[part].map { "\(key) = \($0)\n" } }.joined()
    }
}
