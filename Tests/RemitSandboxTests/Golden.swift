// SPDX-License-Identifier: Apache-2.0
// Compares a text with a committed one; REMIT_UPDATE_GOLDEN=1 writes it instead.

import Foundation
import Testing

enum Golden {
    static func compare(_ text: String, with name: String, file: String = #filePath) throws {
        let path = URL(filePath: file).deletingLastPathComponent().appending(path: "Resources/\(name)")
        if ProcessInfo.processInfo.environment["REMIT_UPDATE_GOLDEN"] == "1" {
            return try Data(text.utf8).write(to: path)
        }
        let expected = String(decoding: try Data(contentsOf: path), as: UTF8.self)
        guard expected != text else { return }
        let (wanted, got) = (expected.split(separator: "\n"), text.split(separator: "\n"))
        for index in 0..<max(wanted.count, got.count) {
            let (left, right) = (index < wanted.count ? wanted[index] : "-", index < got.count ? got[index] : "-")
            if left != right { Issue.record("\(name):\(index + 1): wanted `\(left)`, got `\(right)`") }
        }
    }
}
