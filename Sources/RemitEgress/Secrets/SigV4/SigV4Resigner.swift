// SPDX-License-Identifier: Apache-2.0

internal import RemitNetwork

/// Signs a request again with real keys that an agent signed with placeholders for them (AWS Signature Version 4).
///
/// The signature is verified first: what the agent did not sign is not signed for it. A request to any other service or
/// region than the binding names is refused, and so are kinds of payload that would have to be signed in another way.
struct SigV4Resigner {
    private static let unsignedPayload = "UNSIGNED-PAYLOAD"

    private let signature: SigV4Signature
    private let keys: SigV4KeyPair
    private let scope: SigV4Scope
    private let method: String
    /// What signs the chunks of the body again, where they are signed.
    private(set) var chunks: AWSChunkSigner?

    init(_ signature: SigV4Signature, keys: SigV4KeyPair, scope: SigV4Scope, method: String) {
        self.signature = signature
        self.keys = keys
        self.scope = scope
        self.method = method
    }

    /// Verifies and signs; gives false where the body is needed first.
    mutating func resign(
        target: inout String, headers: inout HeaderFields, body: [UInt8]?
    ) throws(SigV4Error) -> Bool {
        guard scope.allows(service: signature.scope.service, region: signature.scope.region) else {
            throw .scope(service: signature.scope.service, region: signature.scope.region)
        }
        try checkToken(target, headers)
        guard let payload = try payload(headers, body) else { return false }
        func canonical(_ target: String, _ headers: HeaderFields) -> CanonicalRequest {
            CanonicalRequest(
                method: method, target: target, headers: headers, signedNames: signature.signedNames, payload: payload
            )
        }
        var style: CanonicalRequest.Style?
        for candidate in CanonicalRequest.Style.all {
            let signed = sign(try canonical(target, headers).text(candidate), keys.placeholder)
            if signed == signature.signature { style = candidate }
            if style != nil { break }
        }
        guard let style else { throw .mismatch }

        var query = QueryParameters(target: target)
        if signature.isPresigned {
            query.set("X-Amz-Credential", "\(keys.real.accessKeyID)/\(signature.scope.text)")
            if let token = keys.real.token { query.set("X-Amz-Security-Token", token) }
            target = query.target
        } else if let token = keys.real.token {
            headers.set("x-amz-security-token", token)
        }
        let resigned = sign(try canonical(target, headers).text(style), keys.real)
        if signature.isPresigned {
            query.set("X-Amz-Signature", resigned)
            target = query.target
        } else {
            headers.set("authorization", signature.authorization(keys.real.accessKeyID, resigned))
        }
        if payload.hasPrefix(AWSChunkSigner.payload) {
            chunks = AWSChunkSigner(
                keys, scope: signature.scope, date: signature.date, placeholderSeed: signature.signature,
                realSeed: resigned, hasTrailer: payload != AWSChunkSigner.payload
            )
        }
        return true
    }

    private func sign(_ canonical: String, _ keys: SigV4KeyPair.Keys) -> String {
        let text = [
            SigV4Signature.algorithm, signature.date, signature.scope.text, sha256Text(Array(canonical.utf8)),
        ].joined(separator: "\n")
        return keys.sign(text, signature.scope)
    }

    /// The token is there exactly where the keys have one, and it is signed.
    private func checkToken(_ target: String, _ headers: HeaderFields) throws(SigV4Error) {
        let name = "x-amz-security-token"
        let given =
            signature.isPresigned
            ? QueryParameters(target: target).single("X-Amz-Security-Token") : headers.single(name)
        guard given == keys.placeholder.token else { throw .token }
        if given != nil, !signature.isPresigned, !signature.signedNames.contains(name) { throw .token }
    }

    /// What the signature says of the payload; nil where it is the digest of a body that is not known yet.
    private func payload(_ headers: HeaderFields, _ body: [UInt8]?) throws(SigV4Error) -> String? {
        if let declared = headers.single("x-amz-content-sha256") {
            let known = [
                AWSChunkSigner.payload, AWSChunkSigner.payload + AWSChunkSigner.trailerSuffix,
                "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            ]
            if declared.hasPrefix("STREAMING-"), !known.contains(declared) { throw .payload(declared) }
            return declared
        }
        if signature.isPresigned, signature.scope.service == "s3" { return Self.unsignedPayload }
        let hasBody = headers["content-length"].contains { $0 != "0" } || !headers["transfer-encoding"].isEmpty
        if let body { return sha256Text(body) }
        return hasBody ? nil : sha256Text([])
    }
}
