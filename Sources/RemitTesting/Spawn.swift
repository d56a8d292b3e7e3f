// SPDX-License-Identifier: Apache-2.0
// posix_spawn(3) with exactly the descriptors a test asks for: Foundation's Process cannot start a program whose
// standard input is closed.

internal import Glibc

/// A program to start, and its descriptors.
package struct Program: Sendable {
    /// What a descriptor of the program is.
    package enum Stream: Sendable, Hashable {
        case nothing
        case closed
        case read(String)
        case write(String)
        /// The same as another descriptor of the program.
        case same(Int32)
    }

    package var path: String
    package var arguments: [String]
    /// Complete: nothing is inherited.
    package var environment: [String: String]
    package var streams: [Int32: Stream]

    /// A program with its input empty and its output thrown away.
    package init(_ path: String, _ arguments: [String], environment: [String: String] = [:]) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
        streams = [0: .nothing, 1: .nothing, 2: .nothing]
    }

    /// Starts it in a session of its own, so that no terminal and no signal of the test run reaches it.
    ///
    /// - Throws: ``TestingError`` when posix_spawn(3) fails.
    package func start() throws(TestingError) -> ChildProcess {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for (number, stream) in streams.sorted(by: { $0.key < $1.key }) {
            switch stream {
            case .nothing: unsafe posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0)
            case .closed: unsafe posix_spawn_file_actions_addclose(&actions, number)
            case .read(let path): unsafe posix_spawn_file_actions_addopen(&actions, number, path, O_RDONLY, 0)
            case .write(let path):
                // Append: two descriptors on one file never overwrite each other.
                let flags = O_WRONLY | O_CREAT | O_APPEND
                unsafe posix_spawn_file_actions_addopen(&actions, number, path, flags, 0o600)
            case .same(let other): unsafe posix_spawn_file_actions_adddup2(&actions, other, number)
            }
        }
        // Nothing of the test process is inherited by accident.
        for number: CInt in 3..<1024 { _ = fcntl(number, F_SETFD, FD_CLOEXEC) }
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var all = sigset_t()
        unsafe sigfillset(&all)
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        let flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | 0x80  // POSIX_SPAWN_SETSID
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

        var pid: pid_t = 0
        let code = unsafe CStringVector.with([path] + arguments) { arguments in
            unsafe CStringVector.with(environment.map { "\($0.key)=\($0.value)" }.sorted()) { environment in
                unsafe posix_spawn(&pid, path, &actions, &attributes, arguments, environment)
            }
        }
        guard code == 0 else { throw TestingError("start `\(path)`: \(errorText(code))") }
        return ChildProcess(pid: pid)
    }
}

/// NULL-terminated vectors of C strings.
enum CStringVector {
    /// Calls `body` with a vector that lives as long as the call.
    static func with<R>(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R) -> R {
        var pointers: [UnsafeMutablePointer<CChar>?] = unsafe strings.map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        defer {
            for index in unsafe pointers.indices { unsafe free(pointers[index]) }
        }
        return unsafe body(pointers)
    }
}

/// What went wrong in a fixture, as opposed to in what is tested.
package struct TestingError: Error, CustomStringConvertible {
    package let description: String

    /// An error with its text.
    package init(_ description: String) { self.description = description }
}

func errorText(_ code: CInt) -> String { unsafe String(cString: strerror(code)) }
