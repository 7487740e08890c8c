"""Python's `websockets` as a client: over_websockets.py HOST:PORT [CA HTTPS-PORT].

Exits with 0 if all is as it should be, and says what it did. With the last two it does the same over TLS.
"""

import asyncio
import ssl
import sys

import websockets
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

# No answer takes as long.
PATIENCE = 60
# As much as a message may have, and a little more.
LARGE = 1 << 20
TOO_LARGE = (16 << 20) + 1


async def echoed(socket, message):
    await socket.send(message)
    back = await socket.recv()
    assert back == message, (len(back), len(message))


async def messages(socket):
    """Text and bytes of all lengths at which a frame's head changes."""
    for length in (0, 1, 125, 126, 65535, 65536, LARGE):
        await echoed(socket, "ä" * (length // 2) + "x" * (length % 2))
        await echoed(socket, bytes(length))


async def fragments(socket):
    """A message in pieces, with a ping in between."""

    async def pieces():
        yield "one "
        await (await socket.ping(b"between"))
        yield "two "
        yield "three"

    await socket.send(pieces())
    assert await socket.recv() == "one two three"
    await socket.send([b"a", b"", b"b" * 70_000])
    assert await socket.recv() == b"a" + b"b" * 70_000


async def pings(socket):
    """Each is answered with what it brought."""
    waits = [await socket.ping(bytes([number]) * number) for number in range(1, 126, 31)]
    await asyncio.gather(*waits)


async def closes(address, options):
    """The code that is sent comes back."""
    for code in (1000, 1001, 1003, 1008, 1011, 3000, 4999):
        async with connect(address, **options) as socket:
            await echoed(socket, "before the end")
            await socket.close(code, "reason")
            assert (socket.close_code, socket.close_reason) == (code, "reason"), socket.close_code


async def too_much(address, options):
    """More than the server takes: it says so, and ends the connection."""
    async with connect(address, **options) as socket:
        try:
            await socket.send(bytes(TOO_LARGE))
            await socket.recv()
        except ConnectionClosedError as error:
            assert error.rcvd is not None and error.rcvd.code == 1009, error
        else:
            raise AssertionError("more than the limit came back")


async def many(address, options):
    """At the same time."""

    async def one(number):
        async with connect(address, **options) as socket:
            for _ in range(20):
                await echoed(socket, f"{number}")

    await asyncio.gather(*(one(number) for number in range(20)))


async def all_of(address, **more):
    options = {"proxy": None, "max_size": 2 * LARGE, "compression": "deflate", **more}
    async with connect(address, **options) as socket:
        for part in (messages, fragments, pings):
            await part(socket)
    for part in (closes, too_much, many):
        await part(address, options)


async def main(address, ca=None, port=None):
    await all_of(f"ws://{address}/ws")
    if ca:
        context = ssl.create_default_context(cafile=ca)
        await all_of(f"wss://localhost:{port}/ws", ssl=context, host="127.0.0.1")
    print(f"websockets {websockets.__version__}: 6 parts, {'with TLS and without' if ca else 'without TLS'}")


asyncio.run(asyncio.wait_for(main(*sys.argv[1:]), PATIENCE))
