// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel

/// Pipes for splicing. A stream holds one only while it has bytes under way, so an idle one costs two sockets and no
/// buffers, and the pages that the kernel grants a user for pipes (pipe(7)) go to those who move something.
final class PipePool {
    /// Big enough for what a fast peer sends between two looks, small enough that a look at every stream stays short.
    private static let capacity = 1 << 18
    private static let spareLimit = 16

    private var spare: [SplicePipe] = []

    /// - Throws: ``SystemCallError`` when the process has no descriptors left.
    func take() throws(SystemCallError) -> SplicePipe {
        if let pipe = spare.popLast() { return pipe }
        return try SplicePipe(capacity: Self.capacity)
    }

    func give(back pipe: SplicePipe) {
        // What is left in it belongs to the stream it was taken for.
        guard pipe.count == 0, spare.count < Self.spareLimit else { return }
        spare.append(pipe)
    }
}
