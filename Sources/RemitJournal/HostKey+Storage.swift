// SPDX-License-Identifier: Apache-2.0
// The host key on disk: made on first use, refused when anybody else could have touched it.

internal import Crypto
internal import Glibc
internal import RemitKernel

extension HostKey {
    /// The private key's file name.
    package static let fileName = "host-key.pem"
    /// The public key's file name.
    package static let publicFileName = "host-key.pub.pem"

    /// Loads the key from the directory, after making directory and key if there are none.
    ///
    /// Of two processes that make the key at once, one wins and both load its key.
    ///
    /// - Throws: when the directory or a file belongs to another user, lets others in, is a symbolic link, or holds
    ///   something else than a P-256 key, and when the files cannot be read or made.
    package static func loadOrCreate(directory: String) throws(HostKeyError) -> HostKey {
        do { try FileSystem.makeDirectories(directory) } catch { throw .system(error) }
        try check(directory: directory)
        let key = try loadOrPlace(in: directory)
        try placePublicKey(of: key, in: directory)
        return key
    }

    /// Loads the public key, for verifiers.
    ///
    /// - Throws: when there is none, or its directory or file could have been replaced by another user.
    package static func loadPublicKey(directory: String) throws(HostKeyError) -> HostPublicKey {
        try check(directory: directory)
        let path = "\(directory)/\(publicFileName)"
        guard let text = try read(path, isPrivate: false) else {
            throw .system(SystemCallError("open `\(path)`", .notFound))
        }
        guard let key = HostPublicKey(pem: text) else { throw .malformed(path: path) }
        return key
    }

    private static func check(directory: String) throws(HostKeyError) {
        let facts: FileSystem.Facts
        do {
            let opened = try FileSystem.open(directory, O_RDONLY | O_DIRECTORY)
            facts = try FileSystem.facts(of: opened.number)
        } catch {
            throw .system(error)
        }
        if let reason = PrivateFile.objection(toDirectory: facts) {
            throw .unsafeFile(path: directory, reason: reason)
        }
    }

    private static func loadOrPlace(in directory: String) throws(HostKeyError) -> HostKey {
        let path = "\(directory)/\(fileName)"
        if let key = try load(path) { return key }
        let fresh = HostKey()
        do {
            if try FileCalls.place(Array(fresh.privatePEM.utf8), at: path, mode: 0o600) { return fresh }
        } catch {
            throw .system(error)
        }
        guard let winner = try load(path) else { throw .malformed(path: path) }
        return winner
    }

    /// The private key at the path; nil when there is no file.
    private static func load(_ path: String) throws(HostKeyError) -> HostKey? {
        guard let text = try read(path, isPrivate: true) else { return nil }
        guard let key = try? P256.Signing.PrivateKey(pemRepresentation: text) else { throw .malformed(path: path) }
        return HostKey(privateKey: key)
    }

    private static func read(_ path: String, isPrivate: Bool) throws(HostKeyError) -> String? {
        let objection: String?
        do throws(SystemCallError) {
            // Not to wait for the writer of a FIFO that somebody put there.
            let file = try FileSystem.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            let facts = try FileSystem.facts(of: file.number)
            objection = isPrivate ? PrivateFile.objection(to: facts) : facts.isRegular ? nil : "it is no regular file"
            if objection == nil {
                return String(decoding: try FileSystem.readAll(file.number, limit: 4096, name: path), as: UTF8.self)
            }
        } catch {
            if error.errno == .notFound { return nil }
            if error.errno == .symbolicLinkLoop { throw .unsafeFile(path: path, reason: "it is a symbolic link") }
            throw .system(error)
        }
        throw .unsafeFile(path: path, reason: objection ?? "")
    }

    private static func placePublicKey(of key: HostKey, in directory: String) throws(HostKeyError) {
        let path = "\(directory)/\(publicFileName)"
        if try read(path, isPrivate: false) == nil {
            do {
                _ = try FileCalls.place(Array(key.publicKey.pem.utf8), at: path, mode: 0o644)
            } catch {
                throw .system(error)
            }
        }
        guard try read(path, isPrivate: false) == key.publicKey.pem else { throw .mismatch(path: path) }
    }
}
