// SPDX-License-Identifier: Apache-2.0
// The C memory of a plan. It lives exactly as long as the call to launch_clone: the child has its own copy.

internal import CLaunch
internal import CLinux
internal import Glibc

/// The page in which a child notes when each step ended.
@safe
package final class TracePage {
    private let page: UnsafeMutablePointer<launch_trace>

    init?() {
        let size = MemoryLayout<launch_trace>.size
        let memory = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
        guard let memory = unsafe memory, Int(bitPattern: memory) != -1 else { return nil }
        unsafe page = memory.bindMemory(to: launch_trace.self, capacity: 1)
    }

    deinit { unsafe munmap(page, MemoryLayout<launch_trace>.size) }

    var pointer: UnsafeMutablePointer<launch_trace> { unsafe page }

    func phases(of plan: LaunchPlan) -> [(step: String, nanoseconds: UInt64)] {
        let started = unsafe page.pointee.started
        let setup = unsafe withUnsafeBytes(of: &page.pointee.setup) { unsafe Array($0.bindMemory(to: UInt64.self)) }
        let agent = unsafe withUnsafeBytes(of: &page.pointee.agent) { unsafe Array($0.bindMemory(to: UInt64.self)) }
        let all = Array(zip(plan.setup, setup)) + Array(zip(plan.agent, agent))
        return all.filter { $0.1 >= started && $0.1 > 0 }.map { ($0.0.description, $0.1 - started) }
    }
}

/// Lays a plan out for the C side.
@safe
final class LaunchLayout {
    private let plan: LaunchPlan
    private var allocations: [UnsafeMutableRawPointer] = unsafe []

    init(_ plan: LaunchPlan) { self.plan = plan }

    deinit {
        for index in unsafe allocations.indices { unsafe allocations[index].deallocate() }
    }

    /// Room for the environment sent with the word to go: at most this many bytes and entries.
    private static let extraCapacity = 131_072
    private static let extraEntries = 512

    func withPlan(
        descriptors: [Slot: CInt],
        groups: [CInt],
        control: CInt,
        status: CInt,
        life: CInt,
        trace: TracePage?,
        _ body: (UnsafePointer<launch_plan>) throws(SystemCallError) -> pid_t
    ) throws(SystemCallError) -> pid_t {
        var indices: [Slot: Int32] = [:]
        var slots: [CInt] = []
        for slot in (plan.setup + plan.agent).flatMap({ [$0.slot, $0.from] + $0.others }).compactMap({ $0 })
        where indices[slot] == nil {
            indices[slot] = Int32(slots.count)
            slots.append(descriptors[slot] ?? -1)
        }
        let keep = Set(slots.filter { $0 >= 0 } + [control, status, life]).sorted()
        let base = plan.environment.count
        var layout = unsafe launch_plan()
        unsafe layout.setup = UnsafePointer(steps(plan.setup, indices))
        unsafe layout.setup_count = plan.setup.count
        if !plan.agent.isEmpty { unsafe layout.agent = UnsafePointer(steps(plan.agent, indices)) }
        unsafe layout.agent_count = plan.agent.count
        unsafe layout.slots = copy(slots)
        unsafe layout.slot_count = slots.count
        unsafe layout.keep = UnsafePointer(copy(keep))
        unsafe layout.keep_count = keep.count
        unsafe layout.groups = UnsafePointer(copy(groups))
        unsafe layout.group_count = groups.count
        unsafe layout.control = control
        unsafe layout.status = status
        unsafe layout.life = life
        unsafe layout.lingers = plan.lingers ? 1 : 0
        unsafe layout.trace = trace?.pointer
        unsafe layout.arguments = UnsafePointer(strings(plan.arguments, room: plan.arguments.count + 1))
        unsafe layout.environment = strings(plan.environment, room: base + Self.extraEntries + 1)
        unsafe layout.environment_count = base
        unsafe layout.environment_capacity = base + Self.extraEntries + 1
        unsafe layout.extra = allocate(Self.extraCapacity).bindMemory(to: CChar.self, capacity: Self.extraCapacity)
        unsafe layout.extra_capacity = Self.extraCapacity
        return try unsafe body(&layout)
    }

    private func steps(_ steps: [LaunchStep], _ indices: [Slot: Int32]) -> UnsafeMutablePointer<launch_step> {
        unsafe copy(
            steps.map { step in
                var raw = unsafe launch_step()
                unsafe raw.operation = step.operation
                unsafe raw.flags = step.flags
                unsafe raw.slot = step.slot.flatMap { indices[$0] } ?? -1
                unsafe raw.from = step.from.flatMap { indices[$0] } ?? -1
                let others = step.others.compactMap { indices[$0] }
                if others.count == 2 { unsafe raw.others = (others[0], others[1]) }
                unsafe raw.a = step.a
                unsafe raw.b = step.b
                if let path = step.path { unsafe raw.path = UnsafePointer(string(path)) }
                if !step.candidates.isEmpty {
                    unsafe raw.data = UnsafeRawPointer(strings(step.candidates, room: step.candidates.count + 1))
                } else if !step.data.isEmpty {
                    unsafe raw.data = UnsafeRawPointer(copy(step.data))
                    unsafe raw.length = step.data.count
                }
                return unsafe raw
            }
        )
    }

    private func allocate(_ size: Int) -> UnsafeMutableRawPointer {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(size, 1), alignment: 16)
        unsafe allocations.append(memory)
        return unsafe memory
    }

    private func copy<Element>(_ elements: [Element]) -> UnsafeMutablePointer<Element> {
        let memory = unsafe allocate(elements.count * MemoryLayout<Element>.stride)
            .bindMemory(to: Element.self, capacity: elements.count)
        for (index, element) in elements.enumerated() { unsafe (memory + index).initialize(to: element) }
        return unsafe memory
    }

    private func string(_ text: String) -> UnsafeMutablePointer<CChar> {
        unsafe copy(text.utf8CString.map { $0 })
    }

    private func strings(_ texts: [String], room: Int) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
        var pointers: [UnsafeMutablePointer<CChar>?] = unsafe texts.map { unsafe string($0) }
        while unsafe pointers.count < room { unsafe pointers.append(nil) }
        return unsafe copy(pointers)
    }
}
