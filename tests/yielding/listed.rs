//! Whether every future and every `poll_*` of filch has a loop in `loops.rs`, or a reason why not.

use super::loops;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Where a loop is, or why there is none.
enum Seen {
    /// In the loop of this name.
    In(&'static str),
    /// Nowhere: this is why.
    Not(&'static str),
}

use Seen::{In, Not};

/// A part of others that are listed.
const PART: Seen = Not("its callers are listed, which spend before they come here, or in it");
/// It adds nothing that would be ready.
const AROUND: Seen =
    Not("as ready as the future that it is around, and that future's leaves count");
/// As ready as what it calls, which is listed.
const FORWARDS: Seen = Not("it calls the stream's own, which spends");
/// As ready as a body of somebody else's.
const HYPERS: Seen = Not("pieces of a body, which its sender's stream has paid for");
const SPENDS: Seen = Not("it is what spends");

/// File and name of each, as `found` gives them.
const LISTED: &[(&str, &str, Seen)] = &[
    ("executor/src/leaf/budget.rs", "poll_budget_left", SPENDS),
    (
        "src/tls/handshake.rs",
        "Handshake",
        Not("tests/tls/yielding.rs loops over it"),
    ),
    ("src/tls/handshake.rs", "poll_limit", PART),
    ("src/tls/session.rs", "poll_readable", PART),
    ("src/tls/session.rs", "poll_write", PART),
    ("src/tls/session.rs", "poll_close", PART),
    ("src/tls/session.rs", "poll_send_all", PART),
    ("src/tls/session.rs", "poll_handshake", PART),
    ("src/tls/session.rs", "poll_send", PART),
    ("src/tls/session.rs", "poll_receive", PART),
    ("src/tls/session.rs", "poll_little", PART),
    ("src/tls/session.rs", "poll_much", PART),
    ("src/tls/stream.rs", "poll_handshake", PART),
    ("src/tls/stream.rs", "poll_readable", PART),
    (
        "src/tls/stream.rs",
        "poll_read_uninit",
        Not("tests/tls/yielding.rs loops over it"),
    ),
    (
        "src/tls/stream.rs",
        "poll_read",
        Not("tests/tls/yielding.rs loops over it"),
    ),
    (
        "src/tls/stream.rs",
        "poll_read_vectored",
        Not("tests/tls/yielding.rs loops over it"),
    ),
    (
        "src/tls/stream.rs",
        "poll_fill_buf",
        Not("tests/tls/yielding.rs loops over it"),
    ),
    (
        "src/tls/stream.rs",
        "poll_write",
        Not("tests/tls/yielding.rs loops over it"),
    ),
    (
        "src/tls/stream.rs",
        "poll_write_vectored",
        Not("tests/tls/yielding.rs loops over it"),
    ),
    (
        "src/tls/stream.rs",
        "poll_flush",
        Not("tests/tls/yielding.rs loops over it"),
    ),
    (
        "src/tls/stream.rs",
        "poll_close",
        Not("tests/tls/yielding.rs loops over it"),
    ),
    ("src/structure/branches.rs", "poll_first", In("select")),
    ("src/structure/first.rs", "Race", In("race")),
    ("src/structure/first.rs", "WaitFor", In("wait for tasks")),
    ("src/structure/first.rs", "Placed", AROUND),
    (
        "src/structure/futures_unordered.rs",
        "FuturesUnordered",
        In("go through a set"),
    ),
    (
        "src/structure/futures_unordered.rs",
        "poll_next",
        In("go through a set"),
    ),
    ("src/structure/futures_unordered.rs", "Branch", AROUND),
    ("executor/src/leaf/branch.rs", "poll_set", AROUND),
    ("executor/src/leaf/branch.rs", "poll_in_set", AROUND),
    ("src/structure/children.rs", "poll_ended", PART),
    ("src/structure/children.rs", "poll_gone", PART),
    ("src/structure/gone.rs", "poll_gone", PART),
    ("src/structure/attempt.rs", "Counted", AROUND),
    ("src/structure/attempt.rs", "Attempt", AROUND),
    ("src/structure/given.rs", "Given", AROUND),
    ("src/structure/attempt.rs", "poll_or_drop", AROUND),
    ("src/structure/waiter.rs", "Member", In("gather!")),
    ("src/structure/waiter.rs", "poll_done", In("gather!")),
    ("src/structure/waiter.rs", "poll_join", In("gather results")),
    ("src/structure/child.rs", "Child", In("await a child")),
    ("src/structure/child.rs", "Outcome", In("await a child")),
    ("src/structure/child.rs", "poll_outcome", PART),
    (
        "src/structure/until.rs",
        "UntilCancelled",
        In("wait for a cancelled token"),
    ),
    (
        "src/structure/group_run.rs",
        "GroupRun",
        In("run an empty group"),
    ),
    ("src/structure/group_run.rs", "poll_body", PART),
    ("src/structure/group_run.rs", "poll_end", PART),
    (
        "src/structure/limit.rs",
        "SpawnLimited",
        In("await a child with a limit"),
    ),
    (
        "src/structure/join_set.rs",
        "poll_join_next",
        In("join a set of one"),
    ),
    (
        "src/structure/join_set.rs",
        "poll_join_next_with_id",
        In("join an empty set"),
    ),
    (
        "src/structure/run_until.rs",
        "RunUntil",
        In("run what is ready under a token"),
    ),
    (
        "src/structure/join_next.rs",
        "JoinNext",
        In("join an empty set"),
    ),
    (
        "src/structure/join_next.rs",
        "JoinNextWithId",
        In("join an empty set, with numbers"),
    ),
    (
        "src/structure/join_next.rs",
        "JoinAll",
        In("join all of a set of one"),
    ),
    (
        "src/structure/join_next.rs",
        "Shutdown",
        In("shut an empty set down"),
    ),
    ("src/structure/join_next.rs", "poll_next", PART),
    ("src/structure/join_set.rs", "poll_next_for", PART),
    (
        "src/structure/run_until.rs",
        "RunUntilCancelled",
        In("run what is ready until a token is cancelled"),
    ),
    (
        "src/structure/abort_on_drop.rs",
        "AbortOnDrop",
        In("await a handle that aborts"),
    ),
    ("src/structure/abort_on_drop.rs", "poll_gone", PART),
    ("src/structure/persist.rs", "Persistent", AROUND),
    ("src/structure/persist.rs", "poll_gone", PART),
    (
        "src/structure/shield.rs",
        "Shield",
        In("shield what is ready"),
    ),
    ("src/testing/watched.rs", "Watched", AROUND),
    ("src/structure/tidy.rs", "Tidy", AROUND),
    ("src/structure/tidy.rs", "Finish", AROUND),
    ("src/structure/gather.rs", "Gather", In("gather nothing")),
    (
        "src/structure/gather.rs",
        "GatherResults",
        In("gather results of nothing"),
    ),
    ("src/structure/gather.rs", "poll_all", In("gather nothing")),
    (
        "src/net/addr.rs",
        "LookupHost",
        In("look up a numeric address"),
    ),
    ("src/net/addr.rs", "Bind", In("bind TCP")),
    ("src/net/addr.rs", "poll_bind", In("bind UDP")),
    ("src/net/send_file.rs", "poll_step", PART),
    ("src/net/serve/connection.rs", "Connection", AROUND),
    (
        "src/net/serve/listener.rs",
        "poll_accept",
        Not("that of a listener, which is listed"),
    ),
    ("src/net/serve/mod.rs", "Serving", In("serve nobody")),
    ("src/http/reading.rs", "poll_frame", HYPERS),
    ("src/http/reading.rs", "poll_stalled", PART),
    ("src/http/body.rs", "poll_frame", HYPERS),
    ("src/http/connection/request.rs", "Call", AROUND),
    ("src/http/connection/request.rs", "poll_answer", PART),
    ("src/http/connection/rest.rs", "Rest", PART),
    ("src/http/connection/request.rs", "poll_outcome", PART),
    ("src/http/connection/answer.rs", "poll_frame", HYPERS),
    ("src/http/connection/streams.rs", "StreamTask", AROUND),
    ("src/http/connection/drive.rs", "poll_serving", PART),
    ("src/http/connection/drive.rs", "poll_stopping", PART),
    ("src/http/connection/meter.rs", "poll_cut", PART),
    ("src/http/grpc.rs", "DeadlineCall", AROUND),
    ("src/http/grpc.rs", "poll_ready", FORWARDS),
    ("src/http/grpc.rs", "poll_frame", HYPERS),
    ("src/http/listener/proxied.rs", "poll_accept", FORWARDS),
    ("src/http/detached.rs", "Running", AROUND),
    ("src/http/detached.rs", "poll_ready", FORWARDS),
    ("src/http/connection/watched.rs", "poll_reset", PART),
    ("src/http/connection/watched.rs", "poll_cut", PART),
    ("src/http/connection/watched.rs", "poll_read", FORWARDS),
    ("src/http/connection/watched.rs", "poll_write", FORWARDS),
    (
        "src/http/connection/watched.rs",
        "poll_write_vectored",
        FORWARDS,
    ),
    ("src/http/connection/watched.rs", "poll_flush", FORWARDS),
    ("src/http/connection/watched.rs", "poll_shutdown", FORWARDS),
    ("src/http/connection/sniff.rs", "poll_piece", PART),
    ("src/http/listener/memory.rs", "poll_accept", FORWARDS),
    ("src/http/listener/mod.rs", "poll_accept", FORWARDS),
    ("src/http/listener/several.rs", "poll_accept", FORWARDS),
    ("src/http/listener/several.rs", "poll_any", FORWARDS),
    ("src/http/listener/several.rs", "poll_read", FORWARDS),
    ("src/http/listener/several.rs", "poll_write", FORWARDS),
    (
        "src/http/listener/several.rs",
        "poll_write_vectored",
        FORWARDS,
    ),
    ("src/http/listener/several.rs", "poll_flush", FORWARDS),
    ("src/http/listener/several.rs", "poll_shutdown", FORWARDS),
    ("src/http/listener/tls.rs", "poll_accept", FORWARDS),
    (
        "src/http/service.rs",
        "poll_ready",
        Not("it is always ready, and never asked again"),
    ),
    ("src/structure/apart.rs", "poll_empty", PART),
    (
        "src/net/async_io.rs",
        "Perform",
        In("read with an operation"),
    ),
    (
        "src/net/async_io.rs",
        "poll_readable",
        In("poll for readiness"),
    ),
    ("src/net/async_io.rs", "poll_writable", In("poll for room")),
    ("src/net/async_io.rs", "poll_read_with", PART),
    ("src/net/async_io.rs", "poll_write_with", PART),
    (
        "src/net/async_io.rs",
        "poll_read",
        In("read and write an Async"),
    ),
    (
        "src/net/async_io.rs",
        "poll_read_vectored",
        In("read and write an Async"),
    ),
    (
        "src/net/async_io.rs",
        "poll_write",
        In("read and write an Async"),
    ),
    (
        "src/net/async_io.rs",
        "poll_write_vectored",
        In("read and write an Async"),
    ),
    ("src/net/async_io.rs", "poll_flush", In("flush an Async")),
    ("src/net/async_io.rs", "poll_close", In("close an Async")),
    (
        "src/net/connect.rs",
        "poll_running",
        In("connect TCP where nobody is"),
    ),
    ("src/net/operation.rs", "$name", In("read and write")),
    ("src/net/operation.rs", "poll_one", In("accept")),
    (
        "src/net/operation.rs",
        "poll_transfer",
        In("read and write"),
    ),
    ("src/net/operation.rs", "poll_nothing", In("read nothing")),
    (
        "src/net/operation.rs",
        "poll_ready",
        In("wait for readiness"),
    ),
    (
        "src/net/split.rs",
        "poll_read",
        In("read and write through halves"),
    ),
    (
        "src/net/split.rs",
        "poll_read_vectored",
        In("read and write through halves"),
    ),
    (
        "src/net/split.rs",
        "poll_write",
        In("read and write through halves"),
    ),
    (
        "src/net/split.rs",
        "poll_write_vectored",
        In("read and write through halves"),
    ),
    ("src/stream/iter.rs", "Iter", In("a stream of an iterator")),
    (
        "src/stream/iter.rs",
        "poll_next",
        In("a stream of an iterator"),
    ),
    ("src/stream/chunks_timeout.rs", "ChunksTimeout", AROUND),
    ("src/stream/chunks_timeout.rs", "poll_next", AROUND),
    (
        "src/stream/timeout_repeating.rs",
        "TimeoutRepeating",
        AROUND,
    ),
    ("src/stream/timeout_repeating.rs", "poll_next", AROUND),
    ("src/stream/map.rs", "StreamMap", In("a map of streams")),
    ("src/stream/map.rs", "StreamNotifyClose", AROUND),
    ("src/stream/map.rs", "poll_next", In("a map of streams")),
    (
        "src/stream/wrappers/around.rs",
        "$name",
        In("lines as a stream"),
    ),
    (
        "src/stream/wrappers/around.rs",
        "JoinSetStream",
        In("join an empty set"),
    ),
    (
        "src/stream/wrappers/around.rs",
        "SplitStream",
        In("split what is read"),
    ),
    (
        "src/stream/wrappers/around.rs",
        "poll_next",
        In("split what is read"),
    ),
    (
        "src/stream/wrappers/channels.rs",
        "BroadcastStream",
        In("a stream of a broadcast"),
    ),
    (
        "src/stream/wrappers/channels.rs",
        "WatchStream",
        In("a stream of a watched value"),
    ),
    (
        "src/stream/wrappers/channels.rs",
        "poll_next",
        In("a stream of a watched value"),
    ),
    ("src/stream/timeout.rs", "TimeoutStream", AROUND),
    ("src/stream/timeout.rs", "poll_next", AROUND),
    ("src/stream/throttle.rs", "Throttle", AROUND),
    ("src/stream/throttle.rs", "poll_next", AROUND),
    ("src/stream/wrappers.rs", "IntervalStream", AROUND),
    ("src/stream/wrappers.rs", "ReceiverStream", AROUND),
    ("src/stream/wrappers.rs", "$name", AROUND),
    ("src/stream/wrappers.rs", "poll_next", AROUND),
    ("src/net/operation.rs", "poll_seen", PART),
    ("src/net/operation.rs", "poll_worth", PART),
    ("src/net/operation.rs", "poll_place", PART),
    ("src/net/ready.rs", "WaitReady", In("wait for either")),
    (
        "src/net/ready.rs",
        "PerformIo",
        In("an operation of one's own"),
    ),
    ("src/net/ready.rs", "poll_call", PART),
    (
        "src/net/ready.rs",
        "poll_readable",
        In("poll a stream for readiness"),
    ),
    (
        "src/net/ready.rs",
        "poll_writable",
        In("poll a stream for readiness"),
    ),
    ("src/net/connect.rs", "poll_attempt", PART),
    (
        "src/net/tcp_socket.rs",
        "SocketConnect",
        In("connect a socket where nobody is"),
    ),
    (
        "src/net/surface.rs",
        "poll_read_uninit",
        In("read by hand, without initialising"),
    ),
    ("src/net/surface.rs", "poll_peek", In("peek by hand")),
    (
        "src/net/split.rs",
        "poll_read_uninit",
        In("read by hand, without initialising"),
    ),
    ("src/net/split.rs", "poll_peek", In("peek by hand")),
    ("src/net/stream.rs", "poll_read_uninit", PART),
    ("src/net/stream.rs", "poll_peek", PART),
    (
        "src/net/tcp_listener.rs",
        "poll_accept",
        In("accept by hand"),
    ),
    ("src/net/tcp_listener.rs", "poll_accept_at", PART),
    (
        "src/net/unix/listener.rs",
        "poll_accept",
        In("accept by hand"),
    ),
    ("src/net/unix/listener.rs", "poll_accept_at", PART),
    ("src/net/datagram.rs", "poll_reading", PART),
    ("src/net/datagram.rs", "poll_writing", PART),
    ("src/net/datagram.rs", "poll_recv", In("datagrams by hand")),
    ("src/net/datagram.rs", "poll_send", In("datagrams by hand")),
    (
        "src/net/udp_now.rs",
        "poll_recv_from",
        In("datagrams by hand"),
    ),
    (
        "src/net/udp_now.rs",
        "poll_send_to",
        In("datagrams by hand"),
    ),
    (
        "src/net/udp_now.rs",
        "poll_peek_from",
        In("peek at datagrams by hand"),
    ),
    (
        "src/net/udp_now.rs",
        "poll_peek_sender",
        In("peek at datagrams by hand"),
    ),
    (
        "src/net/unix/datagram.rs",
        "poll_recv_from",
        In("Unix datagrams by hand"),
    ),
    (
        "src/net/unix/datagram.rs",
        "poll_send_to",
        In("Unix datagrams by hand"),
    ),
    ("src/net/unix/pipe/receiver.rs", "poll_read", In("a pipe")),
    (
        "src/net/unix/pipe/receiver.rs",
        "poll_read_vectored",
        In("a pipe"),
    ),
    ("src/net/unix/pipe/sender.rs", "poll_write", In("a pipe")),
    (
        "src/net/unix/pipe/sender.rs",
        "poll_write_vectored",
        In("a pipe"),
    ),
    (
        "src/net/unix/pipe/sender.rs",
        "poll_flush",
        In("flush a pipe"),
    ),
    (
        "src/net/unix/pipe/sender.rs",
        "poll_close",
        In("flush a pipe"),
    ),
    ("executor/src/leaf/budget.rs", "poll_call_of", SPENDS),
    ("src/net/split.rs", "poll_flush", In("flush half a stream")),
    ("src/net/split.rs", "poll_close", In("close half a stream")),
    ("src/net/stream.rs", "poll_recv", PART),
    ("src/net/stream.rs", "poll_read", PART),
    ("src/net/stream.rs", "poll_read_vectored", PART),
    ("src/net/stream.rs", "poll_send", PART),
    ("src/net/stream.rs", "poll_write", PART),
    ("src/net/stream.rs", "poll_write_vectored", PART),
    ("src/net/stream.rs", "poll_nothing", PART),
    ("src/net/stream.rs", "poll_flush", PART),
    ("src/net/stream.rs", "poll_close", PART),
    (
        "src/net/surface.rs",
        "poll_read",
        In("read and write by the traits"),
    ),
    (
        "src/net/surface.rs",
        "poll_read_vectored",
        In("read and write by the traits"),
    ),
    (
        "src/net/surface.rs",
        "poll_write",
        In("read and write by the traits"),
    ),
    (
        "src/net/surface.rs",
        "poll_write_vectored",
        In("read and write by the traits"),
    ),
    ("src/net/surface.rs", "poll_flush", In("flush a stream")),
    ("src/net/surface.rs", "poll_close", In("close a stream")),
    (
        "src/net/tcp_listener.rs",
        "Incoming",
        In("the next connection"),
    ),
    (
        "src/net/tcp_listener.rs",
        "poll_next",
        In("the next connection"),
    ),
    (
        "src/net/tcp_stream.rs",
        "Connect",
        In("connect TCP where nobody is"),
    ),
    ("src/net/udp.rs", "UdpConnect", In("connect UDP")),
    (
        "src/net/unix/listener.rs",
        "UnixIncoming",
        In("the next Unix connection"),
    ),
    (
        "src/net/unix/listener.rs",
        "poll_next",
        In("the next Unix connection"),
    ),
    ("src/net/unix/stream.rs", "UnixConnect", In("connect Unix")),
    (
        "src/net/unix/stream.rs",
        "poll_connect",
        In("connect Unix to no file"),
    ),
    ("src/adapters/uninit.rs", "poll_uninit", FORWARDS),
    ("src/adapters/uninit.rs", "poll_zeroed", FORWARDS),
    ("src/adapters/tokio_io.rs", "poll_read", FORWARDS),
    ("src/adapters/tokio_io.rs", "poll_write", FORWARDS),
    ("src/adapters/tokio_io.rs", "poll_write_vectored", FORWARDS),
    ("src/adapters/tokio_io.rs", "poll_flush", FORWARDS),
    ("src/adapters/tokio_io.rs", "poll_shutdown", FORWARDS),
    ("src/adapters/tokio_io.rs", "poll_complete", FORWARDS),
    ("src/adapters/hyper.rs", "poll_read", FORWARDS),
    ("src/adapters/hyper.rs", "poll_write", FORWARDS),
    ("src/adapters/hyper.rs", "poll_write_vectored", FORWARDS),
    ("src/adapters/hyper.rs", "poll_flush", FORWARDS),
    ("src/adapters/hyper.rs", "poll_shutdown", FORWARDS),
    (
        "src/http/client/answer.rs",
        "Answer",
        Not("it polls a `Waiting`, which spends"),
    ),
    (
        "src/http/future.rs",
        "NextFrame",
        Not("tests/http/futures.rs loops over it"),
    ),
    (
        "src/http/future.rs",
        "NextData",
        Not("tests/http/futures.rs loops over it"),
    ),
    (
        "src/http/future.rs",
        "ReadBytes",
        Not("tests/http/futures.rs loops over it"),
    ),
    (
        "src/http/future.rs",
        "ReadText",
        Not("tests/http/futures.rs loops over it"),
    ),
    (
        "src/http/future.rs",
        "Dial",
        Not("it polls a channel's `Reserve`, which spends"),
    ),
    (
        "src/http/future.rs",
        "TestAnswer",
        Not("it polls a `Waiting`, which spends"),
    ),
    ("src/http/future.rs", "poll_piece", PART),
    ("src/http/future.rs", "poll_data", PART),
    ("src/http/future.rs", "poll_all", PART),
    (
        "src/http/client/answer.rs",
        "Chunk",
        Not("it spends before it asks the body"),
    ),
    (
        "src/http/client/body.rs",
        "poll_frame",
        Not("a request's is polled by hyper's task; an answer's spends before it asks hyper"),
    ),
    ("src/http/client/body.rs", "poll_limits", PART),
    ("src/http/client/dial.rs", "poll_read", FORWARDS),
    ("src/http/client/dial.rs", "poll_write", FORWARDS),
    ("src/http/client/dial.rs", "poll_write_vectored", FORWARDS),
    ("src/http/client/dial.rs", "poll_flush", FORWARDS),
    ("src/http/client/dial.rs", "poll_shutdown", FORWARDS),
    (
        "src/http/client/mod.rs",
        "poll_ready",
        Not("a client is always ready: its requests wait"),
    ),
    (
        "src/http/sse/mod.rs",
        "poll_frame",
        Not("as ready as the stream that it is around; signs of life come by the timer"),
    ),
    ("src/http/sse/events.rs", "Events", HYPERS),
    ("src/http/sse/events.rs", "poll_next", HYPERS),
    (
        "src/http/websocket/transfer.rs",
        "Recv",
        Not("it calls the socket's `poll_next`, which spends; what is ready is in one buffer"),
    ),
    (
        "src/http/websocket/transfer.rs",
        "SendMessage",
        Not("it calls the socket's `poll_ready`, which spends"),
    ),
    (
        "src/http/websocket/transfer.rs",
        "Close",
        Not("it calls the socket's `poll_ready`, which spends"),
    ),
    (
        "src/http/websocket/socket.rs",
        "WebSocket",
        Not("it spends before it reads"),
    ),
    ("src/http/websocket/transfer.rs", "poll_sent", PART),
    (
        "src/http/websocket/opening.rs",
        "Connect",
        Not("it polls a `Waiting`, which spends"),
    ),
    (
        "src/http/websocket/opening.rs",
        "ConnectOver",
        Not("it polls a `Waiting`, which spends"),
    ),
    (
        "src/http/websocket/opening.rs",
        "Open",
        Not("it spends before it asks hyper's task"),
    ),
    (
        "src/http/waiting.rs",
        "Waiting",
        Not("it spends before it polls what it is around"),
    ),
    ("src/http/websocket/socket.rs", "poll_message", PART),
    ("src/http/websocket/socket.rs", "poll_beat", PART),
    (
        "src/http/websocket/socket.rs",
        "poll_next",
        Not("it spends before it reads"),
    ),
    (
        "src/http/websocket/socket.rs",
        "poll_ready",
        Not("it spends before it asks the protocol"),
    ),
    ("src/http/websocket/socket.rs", "poll_flush", FORWARDS),
    ("src/http/websocket/socket.rs", "poll_close", FORWARDS),
    ("src/http/rt.rs", "poll_read", FORWARDS),
    ("src/http/rt.rs", "poll_write", FORWARDS),
    ("src/http/rt.rs", "poll_write_vectored", FORWARDS),
    ("src/http/rt.rs", "poll_flush", FORWARDS),
    ("src/http/rt.rs", "poll_shutdown", FORWARDS),
    ("src/http/rt.rs", "poll_close", FORWARDS),
    (
        "src/io/duplex.rs",
        "poll_read_uninit",
        Not("it is poll_read's own transfer"),
    ),
    (
        "src/io/simplex.rs",
        "poll_read_uninit",
        Not("it is poll_read's own transfer"),
    ),
    (
        "src/net/unix/pipe/receiver.rs",
        "poll_read_uninit",
        Not("it is poll_read's own transfer"),
    ),
    ("src/fs/hop.rs", "Operation", In("read a file")),
    ("src/fs/dir.rs", "NextEntry", In("entries behind the last")),
    (
        "src/fs/dir.rs",
        "ReadDir",
        In("entries behind the last, streamed"),
    ),
    (
        "src/fs/dir.rs",
        "poll_next_entry",
        In("entries behind the last"),
    ),
    (
        "src/fs/dir.rs",
        "poll_next",
        In("entries behind the last, streamed"),
    ),
    ("src/fs/file.rs", "poll_settle", PART),
    ("src/fs/file.rs", "poll_ready", PART),
    ("src/fs/file.rs", "poll_read", In("read and rewind a file")),
    (
        "src/fs/file.rs",
        "poll_read_vectored",
        In("read and rewind a file"),
    ),
    ("src/fs/file.rs", "poll_seek", In("read and rewind a file")),
    (
        "src/fs/file.rs",
        "poll_write",
        In("write nothing to a file"),
    ),
    (
        "src/fs/file.rs",
        "poll_write_vectored",
        In("write nothing to a file"),
    ),
    ("src/fs/file.rs", "poll_flush", In("flush and close a file")),
    ("src/fs/file.rs", "poll_close", In("flush and close a file")),
    (
        "src/fs/file.rs",
        "IntoStd",
        Not("it is ready once, and takes the file"),
    ),
    (
        "src/fs/surface.rs",
        "Exclusively",
        Not("it always waits for a thread"),
    ),
    ("src/fs/surface.rs", "Rewind", In("read and rewind a file")),
    (
        "src/process/child.rs",
        "Wait",
        In("wait for a child that has ended"),
    ),
    (
        "src/process/child.rs",
        "poll_wait",
        In("wait for a child that has ended, polled"),
    ),
    ("src/process/child.rs", "poll_for", PART),
    (
        "src/process/child.rs",
        "Kill",
        In("kill a child that has ended"),
    ),
    (
        "src/process/stop.rs",
        "Stop",
        In("stop a child that has ended"),
    ),
    (
        "src/process/output.rs",
        "WaitWithOutput",
        In("the output of no program"),
    ),
    (
        "src/process/output.rs",
        "Status",
        In("the status of no program"),
    ),
    ("src/process/output.rs", "poll_drain", PART),
    (
        "src/process/pipe/mod.rs",
        "poll_write",
        In("write nothing to a child"),
    ),
    (
        "src/process/pipe/mod.rs",
        "poll_write_vectored",
        In("write nothing to a child"),
    ),
    (
        "src/process/pipe/mod.rs",
        "poll_flush",
        In("flush to a child"),
    ),
    (
        "src/process/pipe/mod.rs",
        "poll_close",
        In("close a child's input"),
    ),
    (
        "src/process/pipe/mod.rs",
        "poll_read",
        In("read behind the end of a child"),
    ),
    (
        "src/process/pipe/mod.rs",
        "poll_read_vectored",
        In("read behind the end of a child"),
    ),
    ("src/process/pipe/unix.rs", "poll_read", PART),
    ("src/process/pipe/unix.rs", "poll_write", PART),
    ("src/process/pipe/unix.rs", "poll_flush", PART),
    ("src/process/pipe/windows.rs", "poll_read", PART),
    ("src/process/pipe/windows.rs", "poll_write", PART),
    ("src/process/pipe/windows.rs", "poll_flush", PART),
    ("src/process/pipe/windows.rs", "poll_running", PART),
    (
        "src/sys/process/unix.rs",
        "poll_readable",
        Not("no future: it blocks the thread of orphans"),
    ),
    (
        "src/signal/signals.rs",
        "Arrival",
        In("a signal that is waited for, and comes"),
    ),
    ("src/signal/signals.rs", "Recv", In("signals")),
    ("src/signal/signals.rs", "Signals", In("signals, streamed")),
    (
        "src/signal/signals.rs",
        "poll_recv",
        In("signals, streamed"),
    ),
    (
        "src/signal/signals.rs",
        "poll_next",
        In("signals, streamed"),
    ),
    ("src/signal/signals.rs", "poll_for", PART),
    (
        "src/sync/model.rs",
        "poll_until_taken",
        Not("part of a model"),
    ),
    ("src/sync/mutex.rs", "Lock", In("lock")),
    ("src/sync/mutex.rs", "LockOwned", In("owned lock")),
    ("src/sync/notify.rs", "Notified", In("notification")),
    (
        "src/sync/notify.rs",
        "OwnedNotified",
        In("owned notification"),
    ),
    ("src/sync/notify.rs", "poll_unbudgeted", PART),
    (
        "src/sync/oneshot/future.rs",
        "WaitClosed",
        In("a oneshot that is closed"),
    ),
    ("src/sync/oneshot/receiver.rs", "Receiver", In("oneshot")),
    ("src/sync/oneshot/receiver.rs", "poll_unbudgeted", PART),
    (
        "src/sync/oneshot/sender.rs",
        "poll_closed",
        In("a oneshot that is closed, polled"),
    ),
    ("src/sync/waiting.rs", "$name", In("event")),
    ("src/sync/waiting.rs", "poll_unbudgeted", PART),
    ("src/sync/rwlock/mod.rs", "$name", In("read lock")),
    (
        "src/sync/condvar.rs",
        "WaitNotified",
        Not("it is never ready before it has waited"),
    ),
    (
        "src/sync/condvar.rs",
        "WaitWhile",
        In("a condition that does not hold"),
    ),
    ("src/sync/condvar.rs", "poll_unbudgeted", PART),
    ("src/sync/condvar.rs", "poll_notified", PART),
    (
        "src/sync/once_cell.rs",
        "$name",
        In("a cell that is filled"),
    ),
    ("src/sync/once_cell.rs", "poll_value", PART),
    ("src/sync/once_cell.rs", "poll_begin", PART),
    ("src/sync/once_cell.rs", "poll_made", PART),
    (
        "src/sync/set_once.rs",
        "WaitValue",
        In("a value that is set once"),
    ),
    ("src/sync/permits.rs", "poll_take", PART),
    ("src/sync/permits.rs", "poll_unbudgeted", PART),
    ("src/sync/permits.rs", "poll_slowly", PART),
    ("src/sync/semaphore.rs", "Acquire", In("permit")),
    ("src/sync/semaphore.rs", "AcquireOwned", In("owned permit")),
    (
        "src/sync/mpsc/receiver.rs",
        "Receiver",
        In("channel, streamed"),
    ),
    ("src/sync/mpsc/receiver.rs", "Recv", In("channel")),
    (
        "src/sync/mpsc/receiver.rs",
        "poll_recv",
        In("channel, polled"),
    ),
    (
        "src/sync/mpsc/receiver.rs",
        "poll_next",
        In("channel, streamed"),
    ),
    ("src/sync/mpsc/receiver.rs", "poll_receive", PART),
    ("src/sync/mpsc/receiver.rs", "poll_unbudgeted", PART),
    ("src/sync/mpsc/sender.rs", "Send", In("channel")),
    (
        "src/sync/mpsc/timeout.rs",
        "SendTimeout",
        In("a channel within a time"),
    ),
    (
        "src/sync/delay_queue.rs",
        "DelayQueue",
        In("delayed queue of nothing"),
    ),
    (
        "src/sync/delay_queue.rs",
        "poll_next",
        In("delayed queue of nothing"),
    ),
    (
        "src/sync/delay_queue.rs",
        "poll_expired",
        In("delayed queue"),
    ),
    ("src/sync/mpsc/sender.rs", "poll_unbudgeted", PART),
    ("src/time/interval.rs", "Tick", In("ticks that are late")),
    (
        "src/time/interval.rs",
        "poll_tick",
        In("ticks that are late, polled"),
    ),
    (
        "executor/src/runtime/clock.rs",
        "Advance",
        Not("it waits until everybody is at rest, and is never ready at its first poll"),
    ),
    ("src/time/sleep.rs", "Sleep", In("sleep until now")),
    (
        "src/time/deadline.rs",
        "WithinDeadline",
        In("deadline of what is ready"),
    ),
    ("src/time/deadline.rs", "poll_limit", PART),
    (
        "src/time/timeout.rs",
        "Timeout",
        In("timeout of what is ready"),
    ),
    (
        "src/io/copy.rs",
        "CopyAll",
        In("copy in memory, without end"),
    ),
    ("src/io/copy.rs", "poll_copy", In("copy a little")),
    ("src/io/copy.rs", "poll_end", PART),
    ("src/io/copy.rs", "poll_fill", PART),
    ("src/io/copy.rs", "poll_drain", PART),
    ("src/io/copy.rs", "poll_flush", PART),
    (
        "src/io/copy_bidirectional.rs",
        "CopyBidirectional",
        In("copy both ways, without end"),
    ),
    (
        "src/io/copy_bidirectional.rs",
        "poll_copy",
        In("copy both ways, a little"),
    ),
    ("src/io/duplex.rs", "poll_pipe", PART),
    ("src/io/duplex.rs", "poll_read", In("duplex")),
    ("src/io/duplex.rs", "poll_read_vectored", In("duplex")),
    ("src/io/duplex.rs", "poll_write", In("duplex")),
    ("src/io/duplex.rs", "poll_write_vectored", In("duplex")),
    ("src/io/duplex.rs", "poll_flush", In("flush a duplex")),
    ("src/io/duplex.rs", "poll_close", In("close a duplex")),
    (
        "src/io/limit.rs",
        "ReadUntilLimit",
        In("read until a limit"),
    ),
    (
        "src/io/limit.rs",
        "ReadLineLimit",
        In("read a line with a limit"),
    ),
    ("src/io/until.rs", "ReadUntilAny", In("read until any")),
    ("src/io/until.rs", "poll_found", PART),
    ("src/io/until.rs", "ReadExactly", In("read exactly nothing")),
    ("src/io/until.rs", "poll_all", PART),
    ("src/io/numbers.rs", "ReadNumber", In("read a number")),
    ("src/io/numbers.rs", "WriteNumber", In("write a number")),
    ("src/io/numbers.rs", "poll_number", PART),
    ("src/io/buffers.rs", "ReadInto", In("read behind a buffer")),
    (
        "src/io/buffers.rs",
        "WriteAllBuf",
        Not("it spends first, as the others of its file; only with the feature `bytes`"),
    ),
    ("src/io/buffers.rs", "poll_all", PART),
    ("src/io/copy_buf.rs", "CopyBuf", In("copy out of a buffer")),
    ("src/io/copy_buf.rs", "poll_copy", PART),
    ("src/io/copy_buf.rs", "poll_flush", PART),
    ("src/io/endless.rs", "poll_read", In("copy out of a buffer")),
    (
        "src/io/endless.rs",
        "poll_fill_buf",
        In("copy out of a buffer"),
    ),
    ("src/io/endless.rs", "poll_seek", In("seek in nothing")),
    (
        "src/io/endless.rs",
        "poll_read_vectored",
        In("read and write what has no end"),
    ),
    (
        "src/io/endless.rs",
        "poll_write",
        In("read and write what has no end"),
    ),
    (
        "src/io/endless.rs",
        "poll_write_vectored",
        In("read and write what has no end"),
    ),
    ("src/io/endless.rs", "poll_flush", In("flush a sink")),
    ("src/io/endless.rs", "poll_close", In("close a sink")),
    ("src/io/join.rs", "poll_read", AROUND),
    ("src/io/join.rs", "poll_read_vectored", AROUND),
    ("src/io/join.rs", "poll_fill_buf", AROUND),
    ("src/io/join.rs", "poll_write", AROUND),
    ("src/io/join.rs", "poll_write_vectored", AROUND),
    ("src/io/join.rs", "poll_flush", AROUND),
    ("src/io/join.rs", "poll_close", AROUND),
    ("src/io/simplex.rs", "poll_read", In("simplex")),
    ("src/io/simplex.rs", "poll_read_vectored", In("simplex")),
    ("src/io/simplex.rs", "poll_write", In("simplex")),
    ("src/io/simplex.rs", "poll_write_vectored", In("simplex")),
    (
        "src/io/simplex.rs",
        "poll_flush",
        In("flush a simplex stream"),
    ),
    (
        "src/io/simplex.rs",
        "poll_close",
        In("close a simplex stream"),
    ),
    ("src/io/limit.rs", "poll_until", PART),
    ("src/io/limit.rs", "poll_line", PART),
    ("src/io/limit.rs", "poll_part", PART),
    (
        "src/io/stdin.rs",
        "poll_read",
        Not("the input of a test is whatever it is; it spends first"),
    ),
    ("src/io/stdin.rs", "poll_take", PART),
    (
        "src/io/stdout.rs",
        "poll_write",
        In("write nothing to standard output"),
    ),
    (
        "src/io/stdout.rs",
        "poll_flush",
        In("write nothing to standard output"),
    ),
    (
        "src/io/stdout.rs",
        "poll_close",
        In("write nothing to standard output"),
    ),
    ("executor/src/testing.rs", "poll_join", Not("part of tests")),
    (
        "executor/src/runtime/block_on.rs",
        "poll_until_ready",
        Not("it is who polls"),
    ),
    (
        "executor/src/runtime/guest.rs",
        "Awaited",
        Not("it spends first, and is a task of its own, polled only by the runtime"),
    ),
    (
        "executor/src/runtime/guest.rs",
        "poll_end",
        Not("part of the one above, and of the wait for what was aborted"),
    ),
    (
        "executor/src/runtime/guest.rs",
        "poll_gone",
        Not("the wait for what was aborted, in the drain of who aborted it"),
    ),
    (
        "executor/src/runtime/spawn.rs",
        "Once",
        Not("a closure, as a task of its own"),
    ),
    ("executor/src/runtime/tasks.rs", "YieldNow", In("yield_now")),
    (
        "executor/src/runtime/tasks.rs",
        "ConsumeBudget",
        In("consume_budget"),
    ),
    ("executor/src/task/raw/task_ref.rs", "poll_join", PART),
    (
        "executor/src/worker/upkeep.rs",
        "poll_reactor",
        Not("no future: it asks for events"),
    ),
    ("executor/src/leaf/budget.rs", "poll_budget", SPENDS),
    ("executor/src/leaf/budget.rs", "poll_budget_of", SPENDS),
    (
        "executor/src/leaf/drain.rs",
        "Drain",
        Not("only as ready as tasks have ended, and nobody waits for one twice"),
    ),
    ("executor/src/leaf/drain.rs", "poll_with", PART),
    ("executor/src/leaf/drain.rs", "poll_gone", PART),
    (
        "executor/src/model/task.rs",
        "poll_gone",
        Not("a part of a model"),
    ),
    ("executor/src/task/remains.rs", "poll_each", PART),
    ("executor/src/task/remains.rs", "poll_gone", PART),
    ("executor/src/leaf/io.rs", "poll_io", SPENDS),
    ("executor/src/leaf/io.rs", "poll_transfer", SPENDS),
    ("executor/src/leaf/io.rs", "poll_source", SPENDS),
    (
        "executor/src/leaf/join.rs",
        "JoinHandle",
        In("join what has ended"),
    ),
    ("executor/src/leaf/local_key.rs", "Scope", AROUND),
    (
        "executor/src/leaf/unconstrained.rs",
        "Unconstrained",
        Not("not to yield is what it is for"),
    ),
    (
        "executor/src/leaf/timer.rs",
        "poll_as_limit",
        Not("a limit on something that has spent; a timeout spends before its first poll"),
    ),
];

/// The source files below a directory.
fn files(below: &Path, into: &mut Vec<String>) {
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path.to_str().unwrap().to_owned());
        }
    }
}

/// The word at the start of a text.
fn word(text: &str) -> &str {
    let is_end = |c: char| !(c.is_alphanumeric() || c == '_' || c == '$');
    &text[..text.find(is_end).unwrap_or(text.len())]
}

/// What implements `Future` or `Stream` in a source, and what is a `fn poll_..`.
fn found(source: &str) -> Vec<&str> {
    let is_code = |at: usize| {
        let line = &source[source[..at].rfind('\n').map_or(0, |end| end + 1)..at];
        !line.trim_start().starts_with("//") && !line.ends_with(char::is_alphanumeric)
    };
    let mut names = Vec::new();
    for of in ["Future for ", "Stream for "] {
        for (at, _) in source.match_indices(of).filter(|(at, _)| is_code(*at)) {
            names.push(word(source[at + of.len()..].trim_start_matches("super::")));
        }
    }
    for (at, _) in source
        .match_indices("fn poll_")
        .filter(|(at, _)| is_code(*at))
    {
        names.push(word(&source[at + 3..]));
    }
    names
}

#[test]
fn no_future_is_forgotten() {
    let mut paths = Vec::new();
    files(Path::new("src"), &mut paths);
    files(Path::new("executor/src"), &mut paths);
    let sources: Vec<_> = paths
        .iter()
        .map(|path| (path, fs::read_to_string(path).unwrap()))
        .collect();
    let there: BTreeSet<(&str, &str)> = sources
        .iter()
        .flat_map(|(path, source)| found(source).into_iter().map(|name| (path.as_str(), name)))
        .collect();
    assert!(there.len() > 100, "{there:?}");
    let listed: BTreeSet<_> = LISTED
        .iter()
        .map(|(file, name, _)| (*file, *name))
        .collect();
    let missing: Vec<_> = there.difference(&listed).collect();
    assert!(
        missing.is_empty(),
        "to be listed here, with a loop: {missing:#?}"
    );
    let gone: Vec<_> = listed.difference(&there).collect();
    assert!(gone.is_empty(), "listed, and no more there: {gone:#?}");
}

#[test]
fn every_loop_that_is_named_is_there() {
    let loops: BTreeSet<_> = loops::all().into_iter().map(|(name, _)| name).collect();
    for (file, name, seen) in LISTED {
        match seen {
            In(row) => assert!(loops.contains(row), "{file}, {name}: no loop named {row}"),
            Not(why) => assert!(why.len() > 10, "{file}, {name}: why?"),
        }
    }
}
