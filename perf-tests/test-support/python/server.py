"""A server with faults: it resets, truncates, stalls, or sends invalid HTTP.

The path of a request names the fault. Any other path gets a correct response. Usage:
`python3 server.py [once | goaway | tls FOLDER]`. It prints its port.

- `once`: accepts one connection, and then no longer listens.
- `goaway`: speaks HTTP/2. The first connection gets a response. Every other connection gets GOAWAY
  while its request is in flight.
- `tls FOLDER`: speaks TLS. The first two connections, which ask for the protocol and check that the
  server responds, get the certificate `here.pem` of the folder. Every other gets `other.pem`.
"""

import asyncio
import itertools
import socket
import ssl
import struct
import sys
import threading

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def reset(writer):
    """Closes the connection with a TCP reset."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()


async def respond(fault, writer):
    """Responds to one request. Returns True if the connection stays open."""
    if fault == "reset-in-head":
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-le")
        await asyncio.sleep(0.02)
        return reset(writer)
    if fault == "reset-in-body":
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegin")
        await asyncio.sleep(0.02)
        return reset(writer)
    if fault == "slow-head":
        for byte in b"HTTP/1.1 200 OK\r\nx-slow: " + b"y" * 1000:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.05)
    responses = {
        "close": b"",
        "truncated": b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegin",
        "no-length": b"HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\nok",
        "two-lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!",
        "bad-chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
        "garbage": b"\x00\x01\x02 this is not HTTP\r\n\r\n",
    }
    if fault in responses:
        writer.write(responses[fault])
        return writer.close()
    writer.write(OK + b"!" if fault == "too-long" else OK)
    if fault == "close-after":
        await asyncio.sleep(0.02)
        return writer.close()
    return True


async def http1(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if not await respond(head.split(b" ")[1].decode().strip("/"), writer):
                return
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # The client has closed the connection.
    finally:
        writer.close()


def frame(kind, flags, stream, payload=b""):
    """A frame of HTTP/2 (RFC 9113, section 4.1)."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


async def http2(reader, writer, is_first):
    """Sends SETTINGS, then ":status: 200" (RFC 7541, static table) to the first request, otherwise
    GOAWAY."""
    try:
        await reader.readexactly(24)
        writer.write(frame(4, 0, 0))
        while True:
            header = await reader.readexactly(9)
            await reader.readexactly(int.from_bytes(header[:3], "big"))
            if header[3] != 1:
                continue
            if is_first:
                writer.write(frame(1, 5, int.from_bytes(header[5:], "big"), b"\x88"))
            else:
                writer.write(frame(7, 0, 0, struct.pack(">II", 0, 2)))
                await writer.drain()
                return
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


def tls(folder):
    """Serves each connection on its own thread: asyncio would choose the certificate before the
    connection is known."""

    def context(name):
        chosen = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        chosen.load_cert_chain(f"{folder}/{name}.pem", f"{folder}/{name}.key")
        return chosen

    def serve(connection, chosen):
        try:
            with chosen.wrap_socket(connection, server_side=True) as stream:
                while stream.recv(4096):
                    stream.sendall(OK)
        except OSError:
            pass  # The client rejected the certificate, as the test expects.

    good, other = context("here"), context("other")
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)

    def accept():
        for number in itertools.count():
            connection, _ = listener.accept()
            chosen = good if number < 2 else other
            threading.Thread(target=serve, args=(connection, chosen), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


async def main(mode):
    connections = 0

    async def serve(reader, writer):
        nonlocal connections
        connections += 1
        if mode == "once":
            server.close()
        if mode == "goaway":
            return await http2(reader, writer, connections == 1)
        await http1(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if sys.argv[1:2] == ["tls"]:
    tls(sys.argv[2])
else:
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else ""))
