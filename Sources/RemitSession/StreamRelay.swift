// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import RemitKernel

/// Copies one stream to another as fast as the slower side allows, never blocking the loop.
///
/// The caller's own streams stay in blocking mode, for they are shared with the shell: a pipe that polls writable takes
/// PIPE_BUF bytes at once, a terminal a short piece, and a socket is written with MSG_DONTWAIT.
package final class StreamRelay {
    private let loop: EventLoop
    private let source: CInt
    private let sink: CInt
    private let tap: (ArraySlice<UInt8>) -> Void
    private let transform: ((ArraySlice<UInt8>) -> [UInt8])?
    private let rest: (() -> [UInt8])?
    private let finished: () -> Void
    private var buffer: ArraySlice<UInt8> = []
    private var sourceWatch: EventLoop.WatchToken?
    private var sinkWatch: EventLoop.WatchToken?
    private var sourceIsFile = false
    private var sinkIsFile = false
    private var sinkIsSocket = false
    private let piece: Int
    private var sourceHasEnded = false
    private var isStopped = false

    /// - Parameters:
    ///   - tap: sees every piece before it is passed on.
    ///   - transform: what is passed on in a piece's place.
    ///   - rest: what that held back, at the end of the source.
    ///   - finished: called once, when the source has ended and everything was passed on, or the sink is gone.
    package init(
        from source: CInt,
        to sink: CInt,
        on loop: EventLoop,
        tap: @escaping (ArraySlice<UInt8>) -> Void = { _ in },
        transform: ((ArraySlice<UInt8>) -> [UInt8])? = nil,
        rest: (() -> [UInt8])? = nil,
        finished: @escaping () -> Void
    ) {
        self.loop = loop
        self.source = source
        self.sink = sink
        self.tap = tap
        self.transform = transform
        self.rest = rest
        self.finished = finished
        piece = RawTerminal.isTerminal(sink) ? 256 : 4096
        let facts = try? FileSystem.facts(of: sink)
        sinkIsSocket = facts?.isSocket ?? false
    }

    package func start() { listen() }

    /// Whether something read has not been passed on yet.
    package var hasPending: Bool { !buffer.isEmpty }

    /// Stops at once; what was read and not passed on is lost.
    package func stop() {
        isStopped = true
        if let sourceWatch { loop.unwatch(sourceWatch) }
        if let sinkWatch { loop.unwatch(sinkWatch) }
        sourceWatch = nil
        sinkWatch = nil
    }

    private func listen() {
        guard !isStopped, sourceWatch == nil, !sourceHasEnded else { return }
        if sourceIsFile { return loop.enqueue { [weak self] in self?.readMore() } }
        do {
            sourceWatch = try loop.watch(source, for: .read) { [weak self] _ in self?.readMore() }
        } catch {
            // An ordinary file cannot be waited for: it is always ready.
            sourceIsFile = error.errno == .notPermitted
            if sourceIsFile { return listen() }
            end()
        }
    }

    private func pauseReading() {
        if let sourceWatch { loop.unwatch(sourceWatch) }
        sourceWatch = nil
    }

    private func readMore() {
        guard !isStopped, !sourceHasEnded, buffer.isEmpty else { return }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe read(source, &bytes, bytes.count)
        if count > 0 {
            buffer = bytes[..<count]
            tap(buffer)
            if let transform { buffer = transform(buffer)[...] }
            writeMore()
        } else if count < 0, Errno.last == .again || Errno.last == .interrupted {
            return
        } else {
            // A terminal whose other end is closed says EIO.
            end()
        }
    }

    private func writeMore() {
        while !isStopped, !buffer.isEmpty {
            guard sinkIsFile || isWritable else { return waitForSink() }
            let chunk = buffer.prefix(sinkIsFile ? buffer.count : piece)
            let count = unsafe chunk.withUnsafeBytes { bytes in
                sinkIsSocket
                    ? unsafe send(sink, bytes.baseAddress, bytes.count, CInt(MSG_DONTWAIT | MSG_NOSIGNAL))
                    : unsafe write(sink, bytes.baseAddress, bytes.count)
            }
            if count > 0 {
                buffer = buffer.dropFirst(count)
            } else if Errno.last == .again || Errno.last == .interrupted {
                return waitForSink()
            } else {
                buffer = []
                return end()
            }
        }
        if let sinkWatch { loop.unwatch(sinkWatch) }
        sinkWatch = nil
        if sourceHasEnded { return complete() }
        listen()
    }

    private var isWritable: Bool {
        var poller = pollfd(fd: sink, events: Int16(POLLOUT), revents: 0)
        return unsafe poll(&poller, 1, 0) > 0
    }

    private func waitForSink() {
        guard sinkWatch == nil else { return }
        pauseReading()
        do {
            sinkWatch = try loop.watch(sink, for: .write) { [weak self] _ in self?.writeMore() }
        } catch {
            sinkIsFile = error.errno == .notPermitted
            if sinkIsFile { writeMore() } else { end() }
        }
    }

    private func end() {
        let isFirst = !sourceHasEnded
        sourceHasEnded = true
        pauseReading()
        if isFirst, let last = rest?(), !last.isEmpty {
            buffer += last
            return writeMore()
        }
        if buffer.isEmpty { complete() }
    }

    private func complete() {
        guard !isStopped else { return }
        stop()
        finished()
    }
}
