// SPDX-License-Identifier: Apache-2.0
import Greeter

print(await Greeter("hello").greetings(for: ["first", "second", "third"]).joined(separator: "; "))
