// SPDX-License-Identifier: Apache-2.0
// Limits reached: an event when it happens, the end where the task says so, and figures for the receipt.

internal import RemitJournal
internal import RemitKernel
internal import RemitSandbox
internal import RemitTask

extension Supervisor {
    func watchLimits() {
        guard let sandbox else { return }
        limitWatch = LimitWatch(sandbox, limits: admitted.sandbox.limits, on: loop) {
            [unowned self] limit, isOver in self.reached(limit, isOver: isOver)
        }
    }

    private func reached(_ limit: LimitWatch.Limit, isOver: Bool) {
        let limits = admitted.sandbox.limits
        let value =
            switch limit {
            case .memory: limits.memory.map { "\($0)" }
            case .processes: limits.processes.map { "\($0)" }
            }
        let members: [String: JSONValue] = ["name": .string(limit.rawValue), "limit": .optional(value)]
        record("session.limit", .object(members))
        status?.send("limit", members)
        guard isOver || limits.whenReached == .end, machine.reason == nil else { return }
        feed(.end(.budget, "limit `\(limit.rawValue)` of \(value ?? "the host") reached"))
    }

    /// Writes down what the session used: when nothing of it is left, and before its group is removed.
    func recordResources() {
        guard let sandbox else { return }
        var resources = ReceiptResources(sandbox.figures)
        if let peak = limitWatch?.memoryPeak { resources.figures[.memoryPeakBytesSampled] = Int(clamping: peak) }
        if let peak = limitWatch?.processesPeak { resources.figures[.processesPeakSampled] = peak }
        record(JournalRecord.resourcesType, resources.json)
    }
}

extension ReceiptResources {
    /// The kernel's figures; one that is absent there is absent here.
    init(_ figures: ResourceFigures) {
        let known: [(ReceiptResource, UInt64?)] = [
            (.memoryPeakBytes, figures.memoryPeak), (.processesPeak, figures.processesPeak),
            (.cpuMicroseconds, figures.cpuMicroseconds), (.memoryPressureMicroseconds, figures.memoryPressure),
            (.cpuPressureMicroseconds, figures.cpuPressure), (.ioPressureMicroseconds, figures.ioPressure),
            (.ioReadBytes, figures.bytesRead), (.ioWrittenBytes, figures.bytesWritten),
            (.memoryKills, figures.memoryKills), (.processesRefused, figures.processesRefused),
        ]
        self.init(
            Dictionary(
                uniqueKeysWithValues: known.compactMap { name, figure in
                    figure.map { (name, Int(clamping: $0)) }
                }))
    }
}
