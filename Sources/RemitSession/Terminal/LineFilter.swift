// SPDX-License-Identifier: Apache-2.0

/// A stream of the agent's on its way into the log of a CI job: whole lines, so that two streams can share a log, and none
/// that the job's own service would read as a marker.
package struct LineFilter: Sendable {
    /// A line that is longer is passed on in pieces.
    private static let limit = 16_384
    /// What begins and ends a section in a log of GitLab's.
    private static let markers = ["section_start:", "section_end:"].map { Array($0.utf8) }

    private static let longestBeginning = 13

    private let breaksSections: Bool
    private var held: [UInt8] = []

    /// - Parameter breaksSections: whether what GitLab takes for a section is taken apart.
    package init(breaksSections: Bool) { self.breaksSections = breaksSections }

    package mutating func pass(_ piece: ArraySlice<UInt8>) -> [UInt8] {
        held += piece
        if let end = held.lastIndex(of: 0x0A) { return take(end + 1) }
        guard held.count > Self.limit else { return [] }
        // Every whole marker is broken; one that has only begun is at the end, which stays.
        let text = take(held.count)
        held = text.suffix(Self.longestBeginning)
        return text.dropLast(Self.longestBeginning)
    }

    /// What is left at the end of the stream, as a line.
    package mutating func finish() -> [UInt8] { held.isEmpty ? [] : take(held.count) + [0x0A] }

    private mutating func take(_ count: Int) -> [UInt8] {
        defer { held.removeFirst(count) }
        let lines = held[..<count]
        return breaksSections ? Self.broken(lines) : Array(lines)
    }

    private static func broken(_ lines: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var index = lines.startIndex
        while index < lines.endIndex {
            if lines[index] == UInt8(ascii: "s"),
                let marker = markers.first(where: { lines[index...].starts(with: $0) })
            {
                result += marker.dropLast() + [UInt8(ascii: " "), UInt8(ascii: ":")]
                index += marker.count
            } else {
                result.append(lines[index])
                index += 1
            }
        }
        return result
    }
}
