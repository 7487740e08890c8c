"""The Python peers of filch-bench: an echo server on asyncio or uvloop, written with protocols as its users do for speed.

It takes the arguments of `filch-bench serve`, prints "ready ADDRESS" and serves until standard input ends. asyncio has one
thread, so --workers only says how many tasks --hog makes.
"""

import argparse
import asyncio
import os
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


async def hog(kind, seconds):
    """Holds the loop's thread again and again."""
    while True:
        if kind == "block":
            time.sleep(seconds)
        else:
            end = time.thread_time() + seconds
            while time.thread_time() < end:
                sum(range(1000))
        await asyncio.sleep(0)


async def listen(options):
    """Starts the server that was asked for and returns where it listens."""
    loop = asyncio.get_running_loop()
    if options.protocol == "udp":
        transport, _ = await loop.create_datagram_endpoint(EchoDatagrams, local_addr=("127.0.0.1", 0))
        return transport, "%s:%d" % transport.get_extra_info("sockname")
    where = {"path": options.path} if options.protocol == "unix" else {"host": "127.0.0.1", "port": 0}
    where["backlog"] = 4096
    if options.timeout:
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
        hogs = [asyncio.create_task(hog(options.hog, options.hog_ms / 1000)) for _ in range(options.workers)]
    await asyncio.Event().wait()
    del server, hogs


def exit_at_end_of_input():
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], default="asyncio")
    parser.add_argument("--protocol", choices=["tcp", "udp", "unix"], default="tcp")
    parser.add_argument("--timeout", type=int, default=0)
    parser.add_argument("--buffer", type=int, default=32768)
    parser.add_argument("--hog", choices=["none", "compute", "block"], default="none")
    parser.add_argument("--hog-ms", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--path", default="")
    arguments = parser.parse_args()
    threading.Thread(target=exit_at_end_of_input, daemon=True).start()
    if arguments.loop == "uvloop":
        import uvloop

        uvloop.install()
    asyncio.run(main(arguments))
