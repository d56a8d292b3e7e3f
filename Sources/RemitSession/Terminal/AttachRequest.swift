// SPDX-License-Identifier: Apache-2.0

package import RemitJournal
package import RemitKernel

/// What a client that wants to attach asks for.
package struct AttachRequest: Hashable, Sendable {
    /// The size of its terminal; `nil` when it has none.
    package let size: WindowSize?
    /// It only looks on.
    package let isReadOnly: Bool
    /// It takes the place of whoever is attached.
    package let steals: Bool

    package init(size: WindowSize?, isReadOnly: Bool, steals: Bool) {
        self.size = size
        self.isReadOnly = isReadOnly
        self.steals = steals
    }

    package init?(_ value: JSONValue) {
        guard value.members != nil else { return nil }
        isReadOnly = value["readOnly"]?.flag ?? false
        steals = value["steal"]?.flag ?? false
        guard let rows = value["rows"]?.number, let columns = value["columns"]?.number else {
            size = nil
            return
        }
        guard let rows = UInt16(exactly: rows), let columns = UInt16(exactly: columns) else { return nil }
        size = WindowSize(rows: rows, columns: columns)
    }

    package var json: JSONValue {
        var members: [String: JSONValue] = ["readOnly": .bool(isReadOnly), "steal": .bool(steals)]
        if let size {
            members["rows"] = .integer(Int(size.rows))
            members["columns"] = .integer(Int(size.columns))
        }
        return .object(members)
    }
}

/// Who is at the other end of the control socket, as the kernel has it.
package struct ControlPeer: Hashable, Sendable, CustomStringConvertible {
    package let userID: UInt32
    package let pid: Int32

    package var description: String { "process \(pid) of uid \(userID)" }
}
