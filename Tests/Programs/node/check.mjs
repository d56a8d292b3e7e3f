// SPDX-License-Identifier: Apache-2.0
// Each test uses one part of Node.js that rests on threads, processes, files or sockets.
import assert from "node:assert/strict";
import { exec, execFileSync, fork, spawn } from "node:child_process";
import crypto from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import zlib from "node:zlib";

test("worker threads share memory", async () => {
    const counter = new Int32Array(new SharedArrayBuffer(4));
    const source = `const { workerData } = require("node:worker_threads");
        for (let n = 0; n < 10000; n++) Atomics.add(workerData, 0, 1);`;
    const workers = Array.from({ length: 4 }, () => new Worker(source, { eval: true, workerData: counter }));
    await Promise.all(workers.map((worker) => once(worker, "exit")));
    assert.equal(counter[0], 40000);
});

test("children: spawn, exec, fork, and a signal", async () => {
    assert.equal(execFileSync("echo", ["synchronous"]).toString(), "synchronous\n");
    assert.equal((await promisify(exec)("echo $((6 * 7))")).stdout, "42\n");
    const sleeper = spawn("sleep", ["60"]);
    sleeper.kill("SIGTERM");
    assert.deepEqual(await once(sleeper, "exit"), [null, "SIGTERM"]);
    const child = fork("child.cjs");
    child.send({ number: 20 });
    assert.deepEqual((await once(child, "message"))[0], { square: 400 });
    assert.deepEqual(await once(child, "exit"), [0, null]);
});

test("files: write, copy, rename, link, watch, streams", async () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "files-"));
    const file = path.join(directory, "file");
    const watcher = fs.watch(directory);
    const changed = once(watcher, "change");
    await fs.promises.writeFile(file, crypto.randomBytes(1 << 20));
    await changed;
    watcher.close();
    await fs.promises.copyFile(file, `${file}.copy`, fs.constants.COPYFILE_FICLONE);
    await fs.promises.rename(`${file}.copy`, `${file}.moved`);
    await fs.promises.link(file, `${file}.hard`);
    await fs.promises.symlink("file", `${file}.soft`);
    assert.equal((await fs.promises.stat(`${file}.soft`)).nlink, 2);
    assert.deepEqual(fs.readFileSync(`${file}.moved`), fs.readFileSync(file));
    await fs.promises.cp(directory, "copied", { recursive: true });
    await fs.promises.rm(directory, { recursive: true });
    assert.equal(fs.readdirSync("copied").length, 4);
});

test("crypto: keys, signatures, digests, key derivation", async () => {
    const { publicKey, privateKey } = await promisify(crypto.generateKeyPair)("ec", { namedCurve: "P-256" });
    const signature = crypto.sign("sha256", Buffer.from("text"), privateKey);
    assert(crypto.verify("sha256", Buffer.from("text"), publicKey, signature));
    assert.equal(crypto.createHash("sha256").update("").digest("hex").slice(0, 8), "e3b0c442");
    assert.equal((await promisify(crypto.scrypt)("password", "salt", 32)).length, 32);
    assert.equal(crypto.randomUUID().length, 36);
});

test("HTTP on loopback", async () => {
    const server = http.createServer((request, response) => request.pipe(response)).listen(0, "127.0.0.1");
    await once(server, "listening");
    const reply = await fetch(`http://localhost:${server.address().port}/`, { method: "POST", body: "echo" });
    assert.equal(await reply.text(), "echo");
    server.close();
    server.closeAllConnections();
});

test("a Unix socket", async () => {
    const server = net.createServer((socket) => socket.end("hello")).listen("server.socket");
    await once(server, "listening");
    const [data] = await once(net.connect("server.socket"), "data");
    assert.equal(data.toString(), "hello");
    server.close();
});

test("compression on the thread pool", async () => {
    const packed = await promisify(zlib.brotliCompress)(Buffer.alloc(1 << 16, "x"));
    assert.equal((await promisify(zlib.brotliDecompress)(packed)).length, 1 << 16);
});
