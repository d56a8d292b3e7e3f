// SPDX-License-Identifier: Apache-2.0

internal import RemitGate
internal import RemitKernel
internal import Synchronization

/// What the gate tells its supervisor, from any of its threads, in the order of the calls.
///
/// What is told is in the socket when the call returns, as long as the supervisor keeps up: nobody who is refused hears of
/// it earlier than the supervisor can, and what a gate had told stays told when it is killed, as a fence may have to.
final class Outbox: Sendable {
    /// What the gate's own thread has to see to.
    enum Need: Sendable {
        /// The socket is full: ``flush()`` when it has room.
        case room
        /// Records are held back: ``drain()`` after a while.
        case time
    }

    /// Above so many bytes that the supervisor has not read, records are held back and counted.
    private static let pressure = 1 << 18

    private struct State {
        var pending: ArraySlice<UInt8> = []
        var records: RecordAggregator?
        var isHolding = false
        /// Records of a fence that is not told of yet.
        var withheld: [EgressRecord]?
        var isOpen = true
    }

    private let state = Mutex(State())
    private let socket: CInt
    private let ask: @Sendable (Need) -> Void

    /// - Parameters:
    ///   - socket: stays open until ``close()``.
    ///   - ask: called on any thread.
    init(_ socket: CInt, ask: @escaping @Sendable (Need) -> Void) {
        self.socket = socket
        self.ask = ask
    }

    /// Aggregates records from now on above so many a second.
    func aggregate(above perSecond: Int) {
        state.withLock { $0.records = RecordAggregator(perSecond: perSecond, now: .now) }
    }

    /// Tells.
    func send(_ event: GateEvent) {
        if case .record(let record) = event { return self.record(record) }
        tell { state in
            enqueue([event], &state)
            return nil
        }
    }

    /// Tells of a decision, now or counted together with others like it.
    func record(_ record: EgressRecord) {
        tell { state in
            guard state.withheld == nil else {
                state.withheld?.append(record)
                return nil
            }
            return add(record, &state)
        }
    }

    /// Holds records back until ``release()``: what is to be told of a fence is put into words when the last socket is
    /// closed.
    func withhold() { state.withLock { $0.withheld = $0.withheld ?? [] } }

    /// Tells what was withheld, and whatever else there is.
    func release() {
        tell { state in
            let records = state.withheld ?? []
            state.withheld = nil
            for record in records { _ = add(record, &state) }
            drain(&state)
            return nil
        }
    }

    /// Tells of the records that were held back; a supervisor that does not read makes the counts larger, not the memory.
    func drain() {
        tell { state in
            guard state.pending.count <= Self.pressure else { return .time }
            drain(&state)
            return nil
        }
    }

    /// Writes what fits.
    ///
    /// - Returns: whether nothing is left.
    func flush() -> Bool {
        state.withLock { state in
            write(&state)
            return state.pending.isEmpty
        }
    }

    /// Whether everything that was told has left.
    var isEmpty: Bool { state.withLock { $0.pending.isEmpty } }

    /// Nothing is told any more: the socket may be closed.
    func close() {
        state.withLock { state in
            state.isOpen = false
            state.pending = []
        }
    }

    // MARK: Under the lock

    private func tell(_ body: (inout State) -> Need?) {
        let needs = state.withLock { state -> [Need] in
            guard state.isOpen else { return [] }
            let wasEmpty = state.pending.isEmpty
            let need = body(&state)
            // Whoever found it full first has asked already.
            if wasEmpty { write(&state) }
            let isFull = wasEmpty && !state.pending.isEmpty
            return [need, isFull ? .room : nil].compactMap(\.self)
        }
        for need in needs { ask(need) }
    }

    private func enqueue(_ events: [GateEvent], _ state: inout State) {
        for event in events { state.pending += event.line }
    }

    private func add(_ record: EgressRecord, _ state: inout State) -> Need? {
        let isPressed = state.pending.count > Self.pressure
        guard let told = state.records?.add(record, now: .now, isPressed: isPressed) else {
            guard state.records != nil, !state.isHolding else { return nil }
            state.isHolding = true
            return .time
        }
        enqueue([.record(told)], &state)
        return nil
    }

    private func drain(_ state: inout State) {
        state.isHolding = false
        enqueue(state.records?.drain().map(GateEvent.record) ?? [], &state)
    }

    private func write(_ state: inout State) {
        while !state.pending.isEmpty {
            switch Sockets.send(state.pending, to: socket) {
            case .moved(let count): state.pending = state.pending.dropFirst(count)
            case .wouldBlock: return
            // Nobody is there to read it; the reader of the socket sees to the rest.
            case .ended, .failed: state.pending = []
            }
        }
    }
}
