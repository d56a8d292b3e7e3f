// SPDX-License-Identifier: Apache-2.0

extension EntityUID {
    /// Reads an identity as policies write it, `Type::"id"`.
    ///
    /// - Throws: where it is anything else.
    public init(parsing text: String) throws(Diagnostic) {
        var parser = try PolicyParser(SourceText(text), limits: SyntaxLimits())
        guard parser.token.kind == .identifier else { throw parser.unexpected("expected an entity uid") }
        self = try parser.entity()
        guard parser.isAtEnd else { throw parser.unexpected("expected the end of the entity uid") }
    }
}
