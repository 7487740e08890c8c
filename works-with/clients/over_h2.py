"""Python's `h2` as a client: over_h2.py HOST:PORT. Exits with 0 if all is as it should be, and says what it did."""

import socket
import sys

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings

# No answer takes as long.
PATIENCE = 60


class Client:
    """One connection: what is sent, and the events that come."""

    def __init__(self, address):
        host, port = address.split(":")
        self.socket = socket.create_connection((host, int(port)), PATIENCE)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def ask(self, path, body=None, method=None, ends=True, **more):
        """Sends a request, with as much of its body as the windows let through at a time. Returns its stream."""
        stream = self.h2.get_next_available_stream_id()
        method = method or ("GET" if body is None else "POST")
        head = [(":method", method), (":path", path), (":scheme", "http"), (":authority", "a"), *more.items()]
        self.h2.send_headers(stream, head, end_stream=body is None and ends)
        self.flush()
        return stream

    def events(self):
        """What comes next. Whatever is taken of a window is given back."""
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError
        events = self.h2.receive_data(data)
        for event in events:
            if isinstance(event, h2.events.DataReceived) and event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        self.flush()
        return events

    def answers(self, streams, sending=None):
        """The answers of these streams, each as a status and a body. Meanwhile the rest of some bodies is sent."""
        statuses, bodies, open_ = {}, {stream: b"" for stream in streams}, set(streams)
        while open_:
            for stream, body in list((sending or {}).items()):
                sending[stream] = self.send_some(stream, body)
                if sending[stream] is None:
                    del sending[stream]
            for event in self.events():
                stream = getattr(event, "stream_id", None)
                if isinstance(event, h2.events.ResponseReceived):
                    statuses[stream] = dict(event.headers)[b":status"].decode()
                elif isinstance(event, h2.events.DataReceived):
                    bodies[stream] += event.data
                elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                    open_.discard(stream)
                    (sending or {}).pop(stream, None)
                elif isinstance(event, h2.events.ConnectionTerminated):
                    raise AssertionError(f"GOAWAY {event.error_code}")
        return {stream: (statuses.get(stream), bodies[stream]) for stream in streams}

    def send_some(self, stream, body):
        """As much as there is room for. The rest, or None when all is out."""
        while True:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if room <= 0:
                return body
            piece, body = body[:room], body[room:]
            self.h2.send_data(stream, piece, end_stream=not body)
            self.flush()
            if not body:
                return None


def many_at_once(client):
    streams = [client.ask("/hello") for _ in range(100)]
    assert set(client.answers(streams).values()) == {("200", b"hello\n")}


def larger_than_windows(client):
    body = bytes(range(256)) * 4096
    streams = [client.ask("/echo", body) for _ in range(3)]
    answers = client.answers(streams, {stream: body for stream in streams})
    assert all(answer == ("200", body) for answer in answers.values())
    (status, large) = client.answers([stream := client.ask("/large")])[stream]
    assert (status, len(large)) == ("200", 4 << 20)


def a_ping(client):
    client.h2.ping(b"12345678")
    client.flush()
    while True:
        for event in client.events():
            if isinstance(event, h2.events.PingAckReceived):
                assert event.ping_data == b"12345678"
                return


def a_reset(client):
    stream = client.ask("/echo", b"", ends=False)
    client.h2.send_data(stream, b"never whole")
    client.h2.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
    client.flush()
    assert client.answers([other := client.ask("/hello")])[other] == ("200", b"hello\n")


def smaller_windows(client):
    client.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 100})
    client.flush()
    (status, large) = client.answers([stream := client.ask("/echo", b"x" * 5000)], {stream: b"x" * 5000})[stream]
    assert (status, large) == ("200", b"x" * 5000)


def trailers(client):
    stream = client.ask("/echo", b"", ends=False)
    client.h2.send_data(stream, b"body")
    client.h2.send_headers(stream, [("sum", "4")], end_stream=True)
    client.flush()
    assert client.answers([stream])[stream] == ("200", b"body")


def too_much(client):
    body = bytes(9 << 20)
    stream = client.ask("/echo", body, **{"content-length": str(len(body))})
    status, _ = client.answers([stream], {stream: body})[stream]
    assert status == "413", status
    assert client.answers([other := client.ask("/hello")])[other] == ("200", b"hello\n")


def main():
    client = Client(sys.argv[1])
    parts = [many_at_once, larger_than_windows, a_ping, a_reset, trailers, too_much, smaller_windows]
    for part in parts:
        part(client)
    client.h2.close_connection()
    client.flush()
    while client.socket.recv(1 << 16):
        pass
    print(f"{len(parts)} parts over one connection")


if __name__ == "__main__":
    main()
