// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitKernel

/// A directory that is gone when the test is.
final class Scratch {
    let path: String

    init() throws {
        let made = "\(NSTemporaryDirectory())/remit-session-\(Random.identifier(12))"
        try FileSystem.makeDirectories(made)
        path = try FileSystem.resolved(made)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func put(_ text: String, at name: String) throws {
        try FileSystem.makeDirectories(FileSystem.parent(of: file(name)))
        try FileSystem.replace(file(name), with: Array(text.utf8), mode: 0o600)
    }
}
