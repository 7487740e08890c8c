"""The Python peers of filch-bench: an echo server on asyncio or uvloop, written with protocols as its users do for
speed.

It takes the arguments of `filch-bench serve`, prints "ready ADDRESS" and serves until standard input ends. asyncio has
one thread, so --workers says nothing.
"""

import argparse
import asyncio
import mmap
import os
import struct
import sys
import threading
import time


class Echo(asyncio.Protocol):
    """One connection: what comes in goes out."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


class EchoDatagrams(asyncio.DatagramProtocol):
    """One socket: each datagram goes back to its sender."""

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


async def echo_with_timeout(buffer, reader, writer):
    """One connection with a timeout around every request, which takes streams: a protocol has nothing to await."""
    try:
        while True:
            async with asyncio.timeout(30):
                data = await reader.read(buffer)
                if not data:
                    break
                writer.write(data)
                await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def ticks(reader, writer):
    """One connection: how late each tick of an interval was, in nanoseconds."""
    try:
        due = time.perf_counter_ns()
        while True:
            due += 1_000_000
            await asyncio.sleep(max(0, due - time.perf_counter_ns()) / 1e9)
            writer.write(struct.pack("<Q", max(0, time.perf_counter_ns() - due)))
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def hog(hold):
    """Holds the loop's thread again and again."""
    while True:
        hold()
        await asyncio.sleep(0)


def holder(kind, seconds, count):
    """What a hog does in each turn. `count(steps, ns)` is told of it; a step of Python's is nobody else's, so it tells
    none."""

    def compute():
        now = time.thread_time_ns()
        end = now + seconds * 1e9
        while now < end:
            sum(range(1000))
            before, now = now, time.thread_time_ns()
            count(0, now - before)

    def block():
        time.sleep(seconds)
        count(1, 0)

    def read():
        os.read(reader, 1)
        count(1, 0)

    def write():
        while True:
            os.write(writer, b"x")
            time.sleep(seconds)

    if kind == "pipe":
        reader, writer = os.pipe()
        threading.Thread(target=write, daemon=True).start()
    return {"compute": compute, "block": block, "pipe": read}[kind]


def counter(board, index):
    """Adds to the two numbers in the hog's cache line of the board."""

    def count(steps, ns):
        old = struct.unpack_from("=QQ", board, index * 64)
        struct.pack_into("=QQ", board, index * 64, old[0] + steps, old[1] + ns)

    return count


def open_board(path):
    """The memory that the hogs count in."""
    if not path:
        return bytearray(4096)
    with open(path, "r+b") as file:
        return mmap.mmap(file.fileno(), 4096)


async def listen(options):
    """Starts the server that was asked for and returns where it listens."""
    loop = asyncio.get_running_loop()
    if options.protocol == "udp":
        transport, _ = await loop.create_datagram_endpoint(EchoDatagrams, local_addr=("127.0.0.1", 0))
        return transport, "%s:%d" % transport.get_extra_info("sockname")
    where = {"path": options.path} if options.protocol == "unix" else {"host": "127.0.0.1", "port": 0}
    where["backlog"] = 4096
    if options.protocol == "ticks":
        server = await asyncio.start_server(ticks, **where)
    elif options.timeout:
        def handler(reader, writer):
            return echo_with_timeout(options.buffer, reader, writer)
        start = asyncio.start_unix_server if options.protocol == "unix" else asyncio.start_server
        server = await start(handler, **where)
    else:
        start = loop.create_unix_server if options.protocol == "unix" else loop.create_server
        server = await start(Echo, **where)
    if options.protocol == "unix":
        return server, options.path
    return server, "%s:%d" % server.sockets[0].getsockname()


async def main(options):
    server, address = await listen(options)
    print("ready", address, flush=True)
    hogs = []
    if options.hog != "none":
        board = open_board(options.board)
        for index in range(options.hogs):
            hold = holder(options.hog, options.hog_ms / 1000, counter(board, index))
            hogs.append(asyncio.create_task(hog(hold)))
    await asyncio.Event().wait()
    del server, hogs


def exit_at_end_of_input():
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], default="asyncio")
    parser.add_argument("--protocol", choices=["tcp", "udp", "unix", "ticks"], default="tcp")
    parser.add_argument("--timeout", type=int, default=0)
    parser.add_argument("--buffer", type=int, default=32768)
    parser.add_argument("--hog", choices=["none", "compute", "block", "pipe"], default="none")
    parser.add_argument("--hog-ms", type=int, default=0)
    parser.add_argument("--hogs", type=int, default=0)
    parser.add_argument("--board", default="")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--path", default="")
    arguments = parser.parse_args()
    threading.Thread(target=exit_at_end_of_input, daemon=True).start()
    if arguments.loop == "uvloop":
        import uvloop

        uvloop.install()
    asyncio.run(main(arguments))
