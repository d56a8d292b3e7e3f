# SPDX-License-Identifier: Apache-2.0
"""Threads, and processes started in each of the ways that multiprocessing knows, with what they share."""

import concurrent.futures
import multiprocessing
import multiprocessing.shared_memory
import threading


def square(number):
    return number * number


def add(total, times):
    for _ in range(times):
        with total.get_lock():
            total.value += 1


def write_shared(name):
    memory = multiprocessing.shared_memory.SharedMemory(name)
    memory.buf[:5] = b"hello"
    memory.close()


def main():
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(square, range(1000))) == 332833500
    barrier = threading.Barrier(8)
    threads = [threading.Thread(target=barrier.wait) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for method in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        with context.Pool(3) as pool:
            assert pool.map(square, range(50)) == [square(number) for number in range(50)], method
        total = context.Value("i", 0)
        workers = [context.Process(target=add, args=(total, 200)) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert total.value == 600, (method, total.value)
        assert [worker.exitcode for worker in workers] == [0, 0, 0], method
        queue = context.Queue()
        queue.put(method)
        assert queue.get(timeout=30) == method
        queue.close()
        queue.join_thread()

    memory = multiprocessing.shared_memory.SharedMemory(create=True, size=4096)
    worker = multiprocessing.Process(target=write_shared, args=(memory.name,))
    worker.start()
    worker.join()
    assert bytes(memory.buf[:5]) == b"hello"
    memory.close()
    memory.unlink()

    with multiprocessing.Manager() as manager:
        shared = manager.dict()
        worker = multiprocessing.Process(target=shared.update, args=({"key": "value"},))
        worker.start()
        worker.join()
        assert dict(shared) == {"key": "value"}


if __name__ == "__main__":
    main()
