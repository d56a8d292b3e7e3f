// SPDX-License-Identifier: Apache-2.0

/// Greets several at a time.
public struct Greeter: Sendable {
    let word: String

    /// Greets with the word.
    public init(_ word: String) { self.word = word }

    /// One greeting for each name, in the order of the names.
    public func greetings(for names: [String]) async -> [String] {
        await withTaskGroup(of: (Int, String).self) { group in
            for (index, name) in names.enumerated() { group.addTask { (index, "\(word), \(name)") } }
            var found = [String](repeating: "", count: names.count)
            for await (index, text) in group { found[index] = text }
            return found
        }
    }
}
