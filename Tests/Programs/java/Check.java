// SPDX-License-Identifier: Apache-2.0
// Threads, children, files and sockets from a Java virtual machine.

import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.StandardWatchEventKinds;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

final class Check {
    private static void require(boolean holds, String what) {
        if (!holds) throw new IllegalStateException(what);
    }

    private static void threads() throws Exception {
        var pool = Executors.newFixedThreadPool(32);
        var sum = new AtomicLong();
        List<Callable<Long>> tasks = IntStream.range(0, 1000).<Callable<Long>>mapToObj(n -> () -> sum.addAndGet(n)).toList();
        pool.invokeAll(tasks);
        pool.shutdown();
        require(pool.awaitTermination(30, TimeUnit.SECONDS), "the pool ends");
        require(sum.get() == 499500, "the sum of the pool");
        var parallel = ForkJoinPool.commonPool().submit(() -> LongStream.rangeClosed(1, 1000000).parallel().sum());
        require(parallel.get() == 500000500000L, "the sum of the stream");
    }

    private static void children() throws Exception {
        var child = new ProcessBuilder("sh", "-c", "echo $((6 * 7))").redirectErrorStream(true).start();
        require(new String(child.getInputStream().readAllBytes()).equals("42\n"), "what the child says");
        require(child.waitFor() == 0, "how the child ends");
        var sleeper = new ProcessBuilder("sleep", "60").start();
        sleeper.destroyForcibly();
        require(sleeper.waitFor() == 137, "how the killed child ends");
    }

    private static void files() throws Exception {
        var directory = Files.createTempDirectory("check");
        try (var watcher = directory.getFileSystem().newWatchService()) {
            directory.register(watcher, StandardWatchEventKinds.ENTRY_CREATE);
            var file = Files.writeString(directory.resolve("file"), "text");
            require(watcher.poll(30, TimeUnit.SECONDS) != null, "the watcher sees the file");
            try (var channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                require(channel.lock() != null, "the lock");
                var mapped = channel.map(FileChannel.MapMode.READ_WRITE, 0, 4);
                mapped.put(0, (byte) 'n');
                mapped.force();
            }
            require(Files.readString(file).equals("next"), "the mapped file");
            Files.copy(file, directory.resolve("copy"));
            Files.move(directory.resolve("copy"), Path.of("moved"));
            Files.createSymbolicLink(directory.resolve("link"), file);
            require(Files.readString(directory.resolve("link")).equals("next"), "the link");
        }
    }

    private static void sockets() throws Exception {
        try (var server = new ServerSocket(0, 8, InetAddress.getLoopbackAddress())) {
            var thread = new Thread(() -> {
                try (var connection = server.accept()) {
                    connection.getOutputStream().write("hello".getBytes());
                } catch (java.io.IOException error) {
                    throw new java.io.UncheckedIOException(error);
                }
            });
            thread.start();
            try (var client = new Socket("localhost", server.getLocalPort())) {
                require(new String(client.getInputStream().readAllBytes()).equals("hello"), "the reply");
            }
            thread.join();
        }
    }

    public static void main(String[] arguments) throws Exception {
        threads();
        children();
        files();
        sockets();
        new SecureRandom().nextBytes(new byte[32]);
        var keys = KeyPairGenerator.getInstance("EC").generateKeyPair();
        require(keys.getPrivate() != null, "a key");
        System.gc();
        Files.deleteIfExists(Path.of("moved"));
    }
}
