# SPDX-License-Identifier: Apache-2.0
"""What scripts ask of the system: children, sockets on loopback, databases, locks, temporary files, signals."""

import asyncio
import fcntl
import mmap
import os
import pty
import secrets
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import tempfile


async def echo():
    """A server and a client on loopback, over TCP and over a Unix socket, and children of the event loop."""

    async def serve(reader, writer):
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()

    path = f"{tempfile.gettempdir()}/echo.socket"
    over_tcp = await asyncio.start_server(serve, "127.0.0.1", 0)
    over_unix = await asyncio.start_unix_server(serve, path)
    port = over_tcp.sockets[0].getsockname()[1]
    for connect in (asyncio.open_connection("127.0.0.1", port), asyncio.open_unix_connection(path)):
        reader, writer = await connect
        writer.write(b"loud\n")
        assert await reader.readline() == b"LOUD\n"
        writer.close()
    over_tcp.close()
    over_unix.close()
    children = [await asyncio.create_subprocess_exec("/bin/echo", str(n), stdout=-1) for n in range(5)]
    outputs = [(await child.communicate())[0] for child in children]
    assert outputs == [f"{n}\n".encode() for n in range(5)]


def database():
    with sqlite3.connect("rows.db") as connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("create table numbers (number integer)")
        connection.executemany("insert into numbers values (?)", [(n,) for n in range(1000)])
    assert sqlite3.connect("rows.db").execute("select sum(number) from numbers").fetchone() == (499500,)


def files():
    with tempfile.TemporaryDirectory() as directory:
        with open(f"{directory}/data", "w+b") as file:
            file.write(secrets.token_bytes(65536))
            file.flush()
            fcntl.lockf(file, fcntl.LOCK_EX)
            fcntl.flock(file, fcntl.LOCK_EX)
            with mmap.mmap(file.fileno(), 0) as view:
                view[:4] = b"RMIT"
                view.flush()
        shutil.copy2(f"{directory}/data", f"{directory}/copy")
        os.link(f"{directory}/copy", f"{directory}/hard")
        os.symlink("copy", f"{directory}/soft")
        os.chmod(f"{directory}/copy", 0o700)
        os.utime(f"{directory}/copy", (1, 1))
        with open(f"{directory}/soft", "rb") as file:
            assert file.read(4) == b"RMIT"
        shutil.move(f"{directory}/hard", "moved")  # another file system: copied
        assert os.stat("moved").st_mode & 0o777 == 0o700
    with tempfile.TemporaryFile() as file:  # no name: O_TMPFILE
        file.write(b"x")


def processes():
    assert subprocess.run(["sh", "-c", "kill -TERM $$"], check=False).returncode == -signal.SIGTERM
    child = subprocess.Popen(["sleep", "60"], start_new_session=True)
    descriptor = os.pidfd_open(child.pid)
    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    os.close(descriptor)
    master, slave = pty.openpty()
    subprocess.run(["tty"], stdin=slave, stdout=slave, start_new_session=True, check=True)
    assert os.read(master, 1024).startswith(b"/dev/pts/")
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    assert signal.sigtimedwait({signal.SIGALRM}, 10).si_signo == signal.SIGALRM


def sockets():
    left, right = socket.socketpair()
    read_end, write_end = os.pipe()
    socket.send_fds(left, [b"descriptor"], [read_end])
    _, received, _, _ = socket.recv_fds(right, 64, 1)
    os.write(write_end, b"through")
    assert os.read(received[0], 64) == b"through"
    assert socket.getaddrinfo("localhost", "http", family=socket.AF_INET)[0][4] == ("127.0.0.1", 80)
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", 0))
    datagrams.sendto(b"d", datagrams.getsockname())
    assert datagrams.recv(8) == b"d"
    context = ssl.create_default_context()
    assert context.verify_mode == ssl.CERT_REQUIRED and context.cert_store_stats()["x509_ca"] > 50


signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
asyncio.run(echo())
database()
files()
processes()
sockets()
