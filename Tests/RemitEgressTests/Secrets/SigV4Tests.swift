// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitJournal
import RemitNetwork
import Testing

@testable import RemitEgress

@Suite struct SigV4Tests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let name: String
        let method: String
        let body: [UInt8]
        let keys: SigV4KeyPair
        let signed: (target: String, headers: HeaderFields)
        let expected: (target: String, headers: HeaderFields)

        var testDescription: String { name }
    }

    static func vectors(_ bytes: [UInt8]) throws -> [Vector] {
        let json = try JSONValue(parsing: bytes)
        func strings(_ value: JSONValue?) -> [String] {
            if case .array(let items) = value { items.compactMap(\.text) } else { [] }
        }
        func message(_ value: JSONValue?) -> (String, HeaderFields) {
            guard case .array(let items) = value?["fields"] else { return ("", HeaderFields([])) }
            let fields = items.map(strings).filter { $0.count == 2 }.map { ($0[0], $0[1]) }
            return (value?["target"]?.text ?? "", HeaderFields(fields))
        }
        func keys(_ name: String, _ token: String?) -> SigV4KeyPair.Keys {
            let pair = strings(json[name])
            return SigV4KeyPair.Keys(
                accessKeyID: pair[0], secret: Array(pair[1].utf8), token: token?.isEmpty == false ? token : nil
            )
        }
        guard case .array(let items) = json["vectors"] else { return [] }
        return items.map { item in
            Vector(
                name: item["name"]?.text ?? "", method: item["method"]?.text ?? "",
                body: Array((item["body"]?.text ?? "").utf8),
                keys: SigV4KeyPair(
                    lease: "aws", placeholder: keys("placeholder", item["token"]?.text),
                    real: keys("real", item["realToken"]?.text)
                ),
                signed: message(item["signed"]), expected: message(item["expected"])
            )
        }
    }

    static let fixed = (try? vectors(Array(SigV4Vectors.json.utf8))) ?? []

    static func resign(_ vector: Vector, _ scope: SigV4Scope = SigV4Scope()) throws -> (String, HeaderFields) {
        var (target, headers) = vector.signed
        let signature = try #require(SigV4Signature(target: target, headers: headers))
        var resigner = SigV4Resigner(signature, keys: vector.keys, scope: scope, method: vector.method)
        if try !resigner.resign(target: &target, headers: &headers, body: nil) {
            #expect(try resigner.resign(target: &target, headers: &headers, body: vector.body))
        }
        return (target, headers)
    }

    @Test func `there are vectors`() {
        #expect(Self.fixed.count == 14)
    }

    @Test(arguments: fixed)
    func `what botocore signed with placeholders becomes what it signs with the real keys`(vector: Vector) throws {
        let (target, headers) = try Self.resign(vector)
        #expect(target == vector.expected.target)
        #expect(headers == vector.expected.headers)
    }

    @Test func `the botocore of this machine agrees`() throws {
        let script = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Interop/sigv4-vectors.py").standardizedFileURL
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", script.path]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            print("skipped: python3 with botocore is not here")
            return
        }
        let vectors = try Self.vectors(Array(output))
        #expect(vectors.count == Self.fixed.count)
        for vector in vectors {
            let (target, headers) = try Self.resign(vector)
            #expect(target == vector.expected.target, "\(vector.name)")
            #expect(headers == vector.expected.headers, "\(vector.name)")
        }
    }

    @Test(arguments: fixed)
    func `what the placeholders did not sign is not signed`(vector: Vector) throws {
        let (target, headers) = vector.signed
        let signature = try #require(SigV4Signature(target: target, headers: headers))
        func attempt(_ target: String, _ headers: HeaderFields, _ method: String, _ body: [UInt8]) throws {
            var (target, headers) = (target, headers)
            var resigner = SigV4Resigner(signature, keys: vector.keys, scope: SigV4Scope(), method: method)
            if try !resigner.resign(target: &target, headers: &headers, body: nil) {
                _ = try resigner.resign(target: &target, headers: &headers, body: body)
            }
        }
        #expect(throws: SigV4Error.mismatch) { try attempt(target, headers, "DELETE", vector.body) }
        #expect(throws: SigV4Error.mismatch) {
            try attempt(target.contains("?") ? target + "&acl=" : target + "?acl=", headers, vector.method, vector.body)
        }
        var other = headers
        other.set("host", "evil.example")
        #expect(throws: SigV4Error.mismatch) { try attempt(target, other, vector.method, vector.body) }
        if headers.single("x-amz-content-sha256") == nil, !vector.body.isEmpty {
            #expect(throws: SigV4Error.mismatch) { try attempt(target, headers, vector.method, vector.body + [0x20]) }
        }
        #expect(throws: SigV4Error.self) { try Self.resign(vector, SigV4Scope(services: ["glacier"])) }
        #expect(throws: SigV4Error.self) { try Self.resign(vector, SigV4Scope(regions: ["mars-1"])) }
    }

    /// Keys and signatures that AWS publishes: its test suite, and its documentation of S3.
    static let suite = SigV4KeyPair.Keys(
        accessKeyID: "AKIDEXAMPLE", secret: Array("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".utf8), token: nil
    )
    static let documentation = SigV4KeyPair.Keys(
        accessKeyID: "AKIAIOSFODNN7EXAMPLE", secret: Array("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".utf8), token: nil
    )

    @Test(arguments: [
        ("/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("/?Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    ])
    func `the published test suite is signed as it says`(target: String, signature: String) throws {
        let headers = HeaderFields([
            ("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z"),
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                    + "SignedHeaders=host;x-amz-date, Signature=\(signature)"
            ),
        ])
        let vector = Vector(
            name: "suite", method: "GET", body: [],
            keys: SigV4KeyPair(lease: "aws", placeholder: Self.suite, real: Self.suite), signed: (target, headers),
            expected: (target, headers)
        )
        let (_, resigned) = try Self.resign(vector)
        #expect(resigned == headers)
    }

    @Test func `the published presigned request of S3 is signed as it says`() throws {
        let target =
            "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
            + "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
            + "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
            + "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        let headers = HeaderFields([("Host", "examplebucket.s3.amazonaws.com")])
        let keys = SigV4KeyPair(lease: "aws", placeholder: Self.documentation, real: Self.documentation)
        let vector = Vector(
            name: "presigned", method: "GET", body: [], keys: keys, signed: (target, headers),
            expected: (target, headers)
        )
        #expect(try Self.resign(vector).0 == target)
    }

    // MARK: - Chunks

    /// The published upload in chunks: 66,560 bytes `a`, in chunks of 64 KiB.
    static let chunkHeaders = HeaderFields([
        ("Host", "s3.amazonaws.com"), ("x-amz-date", "20130524T000000Z"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"), ("Content-Encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "66560"), ("Content-Length", "66824"),
        ("x-amz-content-sha256", AWSChunkSigner.payload),
        (
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
                + "SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;"
                + "x-amz-decoded-content-length;x-amz-storage-class, "
                + "Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
        ),
    ])

    static func chunk(_ count: Int, _ signature: String) -> [UInt8] {
        Array("\(String(count, radix: 16));chunk-signature=\(signature)\r\n".utf8)
            + [UInt8](repeating: UInt8(ascii: "a"), count: count) + [0x0D, 0x0A]
    }

    static let chunkBody =
        chunk(65_536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648")
        + chunk(1_024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497")
        + chunk(0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9")

    static let otherKeys = SigV4KeyPair.Keys(accessKeyID: "AKIAOTHER", secret: Array("other".utf8), token: nil)

    static func chunkSigner(
        _ placeholder: SigV4KeyPair.Keys, _ real: SigV4KeyPair.Keys
    ) throws -> (
        AWSChunkSigner, HeaderFields
    ) {
        var target = "/examplebucket/chunkObject.txt"
        var headers = chunkHeaders
        let signature = try #require(SigV4Signature(target: target, headers: headers))
        var resigner = SigV4Resigner(
            signature, keys: SigV4KeyPair(lease: "aws", placeholder: placeholder, real: real), scope: SigV4Scope(),
            method: "PUT"
        )
        #expect(try resigner.resign(target: &target, headers: &headers, body: nil))
        return (try #require(resigner.chunks), headers)
    }

    @Test(arguments: [1_000_000, 4_096, 77])
    func `signed chunks are verified and signed again, with as many bytes`(piece: Int) throws {
        var (same, _) = try Self.chunkSigner(Self.documentation, Self.documentation)
        var (other, headers) = try Self.chunkSigner(Self.documentation, Self.otherKeys)
        #expect(headers["authorization"][0].contains("Credential=AKIAOTHER/"))
        var unchanged: [UInt8] = []
        var resigned: [UInt8] = []
        for start in stride(from: 0, to: Self.chunkBody.count, by: piece) {
            let bytes = Array(Self.chunkBody[start..<min(start + piece, Self.chunkBody.count)])
            unchanged += try same.push(bytes)
            resigned += try other.push(bytes)
        }
        try same.finish()
        try other.finish()
        #expect(unchanged == Self.chunkBody)
        #expect(resigned != Self.chunkBody)
        #expect(resigned.count == Self.chunkBody.count)
    }

    @Test func `chunks that are changed, exchanged, cut or too long are refused`() throws {
        let (signer, _) = try Self.chunkSigner(Self.documentation, Self.otherKeys)
        var changed = Self.chunkBody
        changed[1_000] = UInt8(ascii: "b")
        let long = Array("ffffffff;chunk-signature=\(String(repeating: "0", count: 64))\r\n".utf8)
        for body in [changed, Array(Self.chunkBody.dropFirst(65_622)), long, Self.chunkBody + [0x41], [0x0D, 0x0A]] {
            var signer = signer
            #expect(throws: SigV4Error.self) { try signer.push(body) }
        }
        var cut = signer
        _ = try cut.push(Array(Self.chunkBody.dropLast(2)))
        #expect(throws: SigV4Error.chunks) { try cut.finish() }
    }

    @Test func `a signed trailer is signed again`() throws {
        func signer(_ real: SigV4KeyPair.Keys, _ placeholder: SigV4KeyPair.Keys) -> AWSChunkSigner {
            AWSChunkSigner(
                SigV4KeyPair(lease: "aws", placeholder: placeholder, real: real),
                scope: SigV4Signature.Scope(day: "20130524", region: "us-east-1", service: "s3"),
                date: "20130524T000000Z",
                placeholderSeed: "seed", realSeed: "seed", hasTrailer: true
            )
        }
        // What one pair signs is made by hand, with the chain of links that the specification gives.
        let scope = "20130524/us-east-1/s3/aws4_request"
        func link(_ kind: String, _ previous: String, _ digests: [String]) -> String {
            let text = (["AWS4-HMAC-SHA256" + kind, "20130524T000000Z", scope, previous] + digests).joined(
                separator: "\n")
            return Self.suite.sign(
                text, SigV4Signature.Scope(day: "20130524", region: "us-east-1", service: "s3")
            )
        }
        let first = link("-PAYLOAD", "seed", [sha256Text([]), sha256Text(Array("abc".utf8))])
        let last = link("-PAYLOAD", first, [sha256Text([]), sha256Text([])])
        let trailer = link("-TRAILER", last, [sha256Text(Array("x-amz-checksum-crc32c:sOO8/Q==\n".utf8))])
        let body = Array(
            ("3;chunk-signature=\(first)\r\nabc\r\n0;chunk-signature=\(last)\r\n"
                + "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:\(trailer)\r\n\r\n").utf8
        )
        for cut in stride(from: 0, through: body.count, by: 7) {
            var same = signer(Self.suite, Self.suite)
            #expect(try same.push(Array(body[..<cut])) + same.push(Array(body[cut...])) == body)
            try same.finish()
        }
        var other = signer(Self.otherKeys, Self.suite)
        let resigned = try other.push(body)
        #expect(resigned.count == body.count)
        var back = signer(Self.suite, Self.otherKeys)
        #expect(try back.push(resigned) == body)
    }

    @Test(arguments: [
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-EVENTS", "STREAMING-SOMETHING",
    ])
    func `other kinds of streaming are refused`(kind: String) throws {
        var target = "/examplebucket/chunkObject.txt"
        var headers = Self.chunkHeaders
        headers.set("x-amz-content-sha256", kind)
        let signature = try #require(SigV4Signature(target: target, headers: headers))
        var resigner = SigV4Resigner(
            signature, keys: SigV4KeyPair(lease: "aws", placeholder: Self.documentation, real: Self.otherKeys),
            scope: SigV4Scope(), method: "PUT"
        )
        #expect(throws: SigV4Error.payload(kind)) { try resigner.resign(target: &target, headers: &headers, body: nil) }
    }
}
