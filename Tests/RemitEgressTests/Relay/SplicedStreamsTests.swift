// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitKernel
import Testing

@testable import RemitEgress

@Suite struct SplicedStreamsTests {
    /// A client and a server with spliced streams between them.
    private final class Scene {
        let loop: EventLoop
        let client: LoopPeer
        let server: LoopPeer
        let pool = PipePool()
        let streams: SplicedStreams
        private(set) var ending: SplicedStreams.Ending?

        init() throws {
            loop = try EventLoop()
            let (inner, outer) = (try Loopback(), try Loopback())
            client = try LoopPeer(inner.near, on: loop)
            server = try LoopPeer(outer.far, on: loop)
            streams = SplicedStreams(
                client: WatchedSocket(inner.far, on: loop),
                upstream: WatchedSocket(outer.near, on: loop),
                pool: pool
            )
            streams.start { [unowned self] in self.ending = $0 }
        }
    }

    @Test func `bytes pass both ways and are counted`() throws {
        let scene = try Scene()
        scene.client.send("a question")
        try scene.loop.wait { scene.server.text == "a question" }
        scene.server.send("an answer, longer")
        try scene.loop.wait { scene.client.text == "an answer, longer" }
        #expect(scene.streams.counts == (10, 17))
        #expect(scene.ending == nil)
    }

    @Test func `one side may end while the other goes on`() throws {
        let scene = try Scene()
        scene.client.send("all I have")
        scene.client.finish()
        try scene.loop.wait { scene.server.isEnded }
        #expect(scene.server.text == "all I have")
        #expect(scene.streams.isHalfClosed)
        scene.server.send("and all I have")
        scene.server.finish()
        try scene.loop.wait { scene.client.isEnded && scene.ending != nil }
        #expect(scene.client.text == "and all I have")
        #expect(scene.ending == .finished)
    }

    @Test func `many bytes pass unchanged in both directions at once`() throws {
        let scene = try Scene()
        var generator = SystemRandomNumberGenerator()
        let up = (0..<3_000_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let down = Array(up.reversed())
        scene.client.send(up)
        scene.server.send(down)
        scene.client.finish()
        scene.server.finish()
        try scene.loop.wait { scene.ending != nil && scene.client.isEnded && scene.server.isEnded }
        #expect(scene.server.received == up)
        #expect(scene.client.received == down)
        #expect(scene.streams.counts == (UInt64(up.count), UInt64(down.count)))
    }

    @Test func `a reader that does not read holds the writer up, and nothing is buffered beyond the kernel's bounds`()
        throws
    {
        let scene = try Scene()
        scene.server.reads = false
        let bytes = [UInt8](repeating: 7, count: 64 << 20)
        scene.client.send(bytes)
        try scene.loop.run(for: .milliseconds(300))
        #expect(scene.streams.counts.up < 16 << 20)
        scene.server.keeps = false
        scene.server.reads = true
        scene.client.finish()
        try scene.loop.wait { scene.server.isEnded }
        #expect(scene.server.receivedCount == bytes.count)
    }

    @Test(arguments: [true, false])
    func `a reset on one side is a reset on the other`(isClient: Bool) throws {
        let scene = try Scene()
        scene.client.send("x")
        try scene.loop.wait { scene.server.text == "x" }
        (isClient ? scene.client : scene.server).close(resetting: true)
        let other = isClient ? scene.server : scene.client
        try scene.loop.wait { other.isOver }
        #expect(other.failure?.code == ECONNRESET)
        #expect(scene.ending == .broken(Errno(code: ECONNRESET)))
    }

    @Test func `a cut is visible on both sides`() throws {
        let scene = try Scene()
        scene.streams.cut()
        try scene.loop.wait { scene.client.isOver && scene.server.isOver }
        #expect(scene.client.failure?.code == ECONNRESET)
        #expect(scene.server.failure?.code == ECONNRESET)
        #expect(scene.ending == .cut)
    }

    @Test func `a peer that dies while the other does not read keeps no processor busy`() throws {
        let scene = try Scene()
        scene.server.reads = false
        scene.client.send([UInt8](repeating: 7, count: 32 << 20))
        try scene.loop.run(for: .milliseconds(200))
        scene.client.close(resetting: true)
        let before = Self.processorTime
        try scene.loop.run(for: .milliseconds(500))
        #expect(Self.processorTime - before < .milliseconds(100))
    }

    @Test func `a pipe with left-over bytes serves nobody else`() throws {
        let pool = PipePool()
        let pipe = try pool.take()
        let pair = try Loopback()
        _ = Sockets.send(Array("secret".utf8)[...], to: pair.near.number)
        guard case .moved(6) = pipe.fill(from: pair.far.number) else {
            Issue.record("not filled")
            return
        }
        pool.give(back: pipe)
        #expect(try pool.take() !== pipe)
    }

    @Test func `an idle connection holds no pipe`() throws {
        let scene = try Scene()
        let only = try scene.pool.take()
        scene.pool.give(back: only)
        scene.client.send("x")
        scene.server.send("y")
        try scene.loop.wait { scene.server.text == "x" && scene.client.text == "y" }
        #expect(try scene.pool.take() === only)
        #expect(scene.ending == nil)
    }

    /// Of this thread.
    private static var processorTime: Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
