// SPDX-License-Identifier: Apache-2.0

/// How much a text may ask for. What goes beyond is an error, so that hostile text can't exhaust the stack or memory.
public struct SyntaxLimits: Hashable, Sendable {
    /// How deep parentheses, brackets, braces and conditionals may nest.
    public var nesting: Int
    /// How high an expression tree may be, chains like `a.b.c` and `a + b + c` included; `&&` and `||` chains are flat.
    public var height: Int
    /// How many bytes a text may have.
    public var bytes: Int

    /// The given limits; each has a default that real policies don't come near, and that any thread's stack can bear.
    public init(nesting: Int = 128, height: Int = 512, bytes: Int = 16 << 20) {
        self.nesting = nesting
        self.height = height
        self.bytes = bytes
    }
}
