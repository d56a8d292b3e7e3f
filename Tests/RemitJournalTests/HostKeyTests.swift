// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import Testing

@testable import RemitJournal

/// The signature with `n - s` for `s`, base64 of DER in and out.
func otherSignature(_ base64: String) throws -> String {
    let signature = try P256.Signing.ECDSASignature(derRepresentation: Data(base64Encoded: base64) ?? Data())
    let order: [UInt8] = [
        0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
    ]
    var raw = Array(signature.rawRepresentation)
    var borrow = 0
    for index in (0..<32).reversed() {
        let value = Int(order[index]) - Int(raw[32 + index]) - borrow
        borrow = value < 0 ? 1 : 0
        raw[32 + index] = UInt8(truncatingIfNeeded: value)
    }
    return try P256.Signing.ECDSASignature(rawRepresentation: raw).derRepresentation.base64EncodedString()
}

@Suite struct `The host key` {
    @Test func `it is made on first use and found again`() throws {
        let scratch = try Scratch()
        let directory = scratch.file("a/b")
        let key = try HostKey.loadOrCreate(directory: directory)
        #expect(try HostKey.loadOrCreate(directory: directory).publicKey == key.publicKey)
        #expect(try HostKey.loadPublicKey(directory: directory) == key.publicKey)
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(directory)/host-key.pem")
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: directory).sorted() == [
                "host-key.pem", "host-key.pub.pem",
            ])
    }

    @Test func `of many creators at once one wins`() async throws {
        let directory = try Scratch()
        let path = directory.path
        let names = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<24 { group.addTask { try HostKey.loadOrCreate(directory: path).keyID } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(names.count == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: path).count == 2)
    }

    @Test(arguments: [0o640, 0o604, 0o660, 0o644])
    func `a key that others may use is refused`(mode: Int) throws {
        let scratch = try Scratch()
        _ = try HostKey.loadOrCreate(directory: scratch.path)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: scratch.file("host-key.pem"))
        #expect(
            throws: HostKeyError.unsafeFile(
                path: scratch.file("host-key.pem"), reason: "others may use it (mode \(String(mode, radix: 8)))"
            )
        ) { try HostKey.loadOrCreate(directory: scratch.path) }
    }

    @Test func `a symbolic link, a FIFO and a directory are refused`() throws {
        let other = try Scratch()
        _ = try HostKey.loadOrCreate(directory: other.path)
        for name in ["host-key.pem", "host-key.pub.pem"] {
            let scratch = try Scratch()
            try FileManager.default.createSymbolicLink(
                atPath: scratch.file(name), withDestinationPath: other.file(name)
            )
            #expect(throws: HostKeyError.self) { try HostKey.loadOrCreate(directory: scratch.path) }
            try FileManager.default.removeItem(atPath: scratch.file(name))
            #expect(mkfifo(scratch.file(name), 0o600) == 0)
            #expect(throws: HostKeyError.self) { try HostKey.loadOrCreate(directory: scratch.path) }
            try FileManager.default.removeItem(atPath: scratch.file(name))
            try FileManager.default.createDirectory(atPath: scratch.file(name), withIntermediateDirectories: false)
            #expect(throws: HostKeyError.self) { try HostKey.loadOrCreate(directory: scratch.path) }
        }
    }

    @Test func `a directory that others may write is refused`() throws {
        let scratch = try Scratch()
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: scratch.path)
        #expect(throws: HostKeyError.unsafeFile(path: scratch.path, reason: "others may write it (mode 777)")) {
            try HostKey.loadOrCreate(directory: scratch.path)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "needs root, to give a file away"))
    func `a key of another user is refused`() throws {
        let scratch = try Scratch()
        _ = try HostKey.loadOrCreate(directory: scratch.path)
        #expect(chown(scratch.file("host-key.pem"), 12_345, 0) == 0)
        #expect(
            throws: HostKeyError.unsafeFile(path: scratch.file("host-key.pem"), reason: "it belongs to user 12345")
        ) { try HostKey.loadOrCreate(directory: scratch.path) }
    }

    @Test func `a damaged key is refused and not replaced`() throws {
        let scratch = try Scratch()
        try scratch.write(Array("no key\n".utf8), to: "host-key.pem")
        #expect(throws: HostKeyError.malformed(path: scratch.file("host-key.pem"))) {
            try HostKey.loadOrCreate(directory: scratch.path)
        }
        #expect(try scratch.bytes("host-key.pem") == Array("no key\n".utf8))
    }

    @Test func `a public key of another private key is refused`() throws {
        let scratch = try Scratch()
        _ = try HostKey.loadOrCreate(directory: scratch.path)
        try scratch.write(Array(HostKey().publicKey.pem.utf8), to: "host-key.pub.pem")
        #expect(throws: HostKeyError.mismatch(path: scratch.file("host-key.pub.pem"))) {
            try HostKey.loadOrCreate(directory: scratch.path)
        }
    }

    @Test func `signatures have one form`() throws {
        let key = HostKey()
        for number in 0..<64 {
            let message = [UInt8(number)]
            let signature = try key.signature(for: message)
            #expect(key.publicKey.isValid(signature: signature, for: message))
            #expect(!key.publicKey.isValid(signature: signature, for: message + [0]))
            #expect(!key.publicKey.isValid(signature: signature + [0], for: message))
            let other = try otherSignature(Data(signature).base64EncodedString())
            #expect(!key.publicKey.isValid(signature: Array(Data(base64Encoded: other) ?? Data()), for: message))
            #expect(!HostKey().publicKey.isValid(signature: signature, for: message))
        }
    }
}
