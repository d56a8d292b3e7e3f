// SPDX-License-Identifier: Apache-2.0

/// That something can't be said in SMT-LIB, and what.
struct Unencodable: Error {
    let what: String

    init(_ what: String) {
        self.what = what
    }
}
