// SPDX-License-Identifier: Apache-2.0
// What a session used, in its journal (`session.resources`) and in its receipt (`resources`), in the same words.

/// One figure of what a session used. A figure that nobody could count is absent, never 0.
package enum ReceiptResource: String, Hashable, Sendable, CaseIterable {
    /// The most memory at once, in bytes, counted by the kernel.
    case memoryPeakBytes
    /// The same, of what the supervisor saw when it looked.
    case memoryPeakBytesSampled
    /// The most processes and threads at once, counted by the kernel.
    case processesPeak
    /// The same, of what the supervisor saw when it looked.
    case processesPeakSampled
    /// Processor time.
    case cpuMicroseconds
    /// How long at least one process waited for memory.
    case memoryPressureMicroseconds
    /// How long at least one process waited for a processor.
    case cpuPressureMicroseconds
    /// How long at least one process waited for a disk.
    case ioPressureMicroseconds
    /// Bytes read from disks.
    case ioReadBytes
    /// Bytes written to disks.
    case ioWrittenBytes
    /// Processes that were killed because memory ran out.
    case memoryKills
    /// Processes that could not be made because there were as many as there may be.
    case processesRefused
}

/// What a session used.
package struct ReceiptResources: Hashable, Sendable {
    /// The figures that somebody counted.
    package var figures: [ReceiptResource: Int]

    /// Figures, by default none.
    package init(_ figures: [ReceiptResource: Int] = [:]) { self.figures = figures }

    /// As an object with a member for each figure there is.
    package var json: JSONValue {
        .object(Dictionary(uniqueKeysWithValues: figures.map { ($0.key.rawValue, .integer($0.value)) }))
    }

    /// Reads a record's body; what is not a figure that we know is left out.
    package init(journal body: JSONValue) {
        figures = [:]
        for resource in ReceiptResource.allCases {
            if let number = body[resource.rawValue]?.number, number >= 0 { figures[resource] = number }
        }
    }

    /// Reads a receipt's member.
    ///
    /// - Throws: for a member that is unknown or no count.
    init(_ counts: [String: Int], _ path: String) throws(ReceiptProblem) {
        figures = [:]
        for (name, count) in counts {
            guard let resource = ReceiptResource(rawValue: name) else {
                throw ReceiptProblem(place: "\(path).\(name)", reason: "unknown member")
            }
            figures[resource] = count
        }
    }
}
