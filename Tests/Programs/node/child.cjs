// SPDX-License-Identifier: Apache-2.0
process.on("message", ({ number }) => process.send({ square: number * number }, () => process.disconnect()));
