// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The conformance data, where the environment says there is some.
enum Corpus {
    /// The folder that `CEDAR_CORPUS` names.
    static let root: String? = ProcessInfo.processInfo.environment["CEDAR_CORPUS"]

    /// Whether there is any, and what to say where there isn't.
    static var condition: ConditionTrait { .enabled("CEDAR_CORPUS does not name the conformance data") { root != nil } }

    /// The names of the files in a folder of the data, sorted.
    static func files(in folder: String, suffix: String) throws -> [String] {
        let root = try #require(root)
        return try FileManager.default.contentsOfDirectory(atPath: "\(root)/\(folder)").filter { $0.hasSuffix(suffix) }
            .sorted()
    }

    /// The bytes of a file of the data.
    static func bytes(_ path: String) throws -> [UInt8] {
        let root = try #require(root)
        return try Array(Data(contentsOf: URL(fileURLWithPath: "\(root)/\(path)")))
    }
}
