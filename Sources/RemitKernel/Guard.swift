// SPDX-License-Identifier: Apache-2.0

internal import CLaunch
internal import CLinux
internal import Glibc

/// The process that outlives a killed supervisor just long enough to end its session.
package final class GuardProcess {
    package let pid: Int32
    /// Readable once the guard has ended, which it should not before we do.
    package let process: DescriptorBox
    private let life: DescriptorBox

    private init(pid: Int32, process: DescriptorBox, life: DescriptorBox) {
        self.pid = pid
        self.process = process
        self.life = life
    }

    /// Starts a guard for a session.
    ///
    /// - Parameters:
    ///   - initProcess: pidfd of the sandbox's pid 1.
    ///   - cgroupKill: an open `cgroup.kill`, if the session has a group.
    ///   - arguments: of our own program, run after the kill to revoke and to seal.
    ///   - environment: of that program, complete.
    /// - Throws: ``SystemCallError`` when no process could be made.
    package static func start(
        initProcess: CInt,
        cgroupKill: CInt?,
        arguments: [String],
        environment: [String: String]
    ) throws(SystemCallError) -> GuardProcess {
        let life = try pipe()
        let executable = try FileSystem.open("/proc/self/exe", O_PATH)
        let keep = [life.read.number, initProcess, cgroupKill ?? -1, executable.number].filter { $0 >= 0 }.sorted()
        var number: CInt = -1
        let words = CStrings(arguments)
        let settings = CStrings(environment.map { "\($0.key)=\($0.value)" }.sorted())
        defer { withExtendedLifetime((words, settings)) {} }
        let pid = unsafe keep.withUnsafeBufferPointer { kept in
            var plan = unsafe guard_plan()
            unsafe plan.life = life.read.number
            unsafe plan.process = initProcess
            unsafe plan.cgroup_kill = cgroupKill ?? -1
            unsafe plan.executable = executable.number
            unsafe plan.keep = kept.baseAddress
            unsafe plan.keep_count = kept.count
            unsafe plan.arguments = UnsafePointer(words.pointers)
            unsafe plan.environment = UnsafePointer(settings.pointers)
            return unsafe guard_start(&plan, &number)
        }
        if pid < 0 { throw SystemCallError("start the guard", .last) }
        return GuardProcess(
            pid: pid,
            process: DescriptorBox(OwnedDescriptor(adopting: number)),
            life: DescriptorBox(try life.write.duplicate())
        )
    }

    /// The session has ended in order: the guard may go. Waits for it.
    package func dismiss() {
        guard life.isOpen else { return }
        try? FileSystem.writeAll(life.number, [1], name: "guard")
        life.close()
        waitpid(pid, nil, 0)
    }

    /// Collects a guard that ended by itself.
    package func reap() { waitpid(pid, nil, CInt(WNOHANG)) }
}

/// A NULL-terminated array of C strings that lives as long as this object.
@safe
final class CStrings {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ texts: [String]) {
        count = texts.count
        unsafe pointers = .allocate(capacity: texts.count + 1)
        for (index, text) in texts.enumerated() { unsafe (pointers + index).initialize(to: strdup(text)) }
        unsafe (pointers + count).initialize(to: nil)
    }

    deinit {
        for index in 0..<count { unsafe free(pointers[index]) }
        unsafe pointers.deallocate()
    }
}
