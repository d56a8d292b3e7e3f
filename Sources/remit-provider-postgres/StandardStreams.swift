// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// One request in, one reply out.
enum StandardStreams {
    static let requestLimit = 1 << 20

    /// Everything up to end of file, or nil when it is too long or cannot be read.
    static func readRequest() -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= requestLimit {
            let count = unsafe read(STDIN_FILENO, &buffer, buffer.count)
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                return nil
            }
            bytes += buffer.prefix(count)
        }
        return nil
    }

    static func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                // Nobody reads: the supervisor will look for the role by its name.
                exit(1)
            }
            rest = rest.dropFirst(count)
        }
    }
}
