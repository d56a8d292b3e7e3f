// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

extension Sockets {
    /// Bytes of a Unix stream socket and the descriptors that came with them, close-on-exec (`SCM_RIGHTS`, unix(7)).
    ///
    /// The corresponding system call is `recvmsg(2)`. A message whose descriptors the process has no room for fails with
    /// EMSGSIZE or EMFILE, and leaves none open.
    package static func receiveDescriptors(
        _ socket: CInt,
        limit: Int
    ) -> Transfer<(bytes: [UInt8], descriptors: [DescriptorBox])> {
        var numbers = [CInt](repeating: -1, count: Int(LINUX_DESCRIPTORS_MAX))
        var came = 0
        var count = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
            count = unsafe linux_receive_descriptors(socket, buffer.baseAddress, limit, &numbers, &came)
            filled = max(count, 0)
        }
        guard count >= 0 else { return failure() }
        let descriptors = numbers.prefix(came).map { DescriptorBox(OwnedDescriptor(adopting: $0)) }
        return count == 0 ? .ended : .moved((bytes, descriptors))
    }

    /// Writes what fits, and with the first byte the descriptors, which stay the caller's.
    ///
    /// The corresponding system call is `sendmsg(2)`.
    package static func send(
        _ bytes: ArraySlice<UInt8>,
        with descriptors: [CInt],
        to socket: CInt
    ) -> Transfer<Int> {
        let count = unsafe bytes.withUnsafeBytes { buffer in
            unsafe linux_send_descriptors(socket, buffer.baseAddress, buffer.count, descriptors, descriptors.count)
        }
        return count >= 0 ? .moved(count) : failure()
    }

    /// Two Unix stream sockets that are connected with each other; neither waits, both are closed on exec.
    ///
    /// The corresponding system call is `socketpair(2)`.
    package static func pair() throws(SystemCallError) -> Pair {
        var numbers: [CInt] = [-1, -1]
        let type = [SOCK_STREAM, SOCK_CLOEXEC, SOCK_NONBLOCK].reduce(0) { $0 | CInt($1.rawValue) }
        try check("make a socket pair") { unsafe socketpair(AF_UNIX, type, 0, &numbers) }
        let ends = numbers.map { DescriptorBox(OwnedDescriptor(adopting: $0)) }
        return Pair(near: ends[0], far: ends[1])
    }

    /// Both ends of one connection.
    package struct Pair {
        package let near: DescriptorBox
        package let far: DescriptorBox
    }
}
