// SPDX-License-Identifier: Apache-2.0

/// The end of a journal, which stands for all of it.
package struct JournalHead: Hashable, Sendable {
    /// The hash of the last record.
    package let hash: String
    /// How many records there are.
    package let count: Int

    /// A head from its parts.
    package init(hash: String, count: Int) {
        self.hash = hash
        self.count = count
    }
}
