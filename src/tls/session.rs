//! A connection's TLS state, and how its records go over a stream.
//!
//! rustls keeps what is decrypted and not read, and what is encrypted and not sent. Here are the bytes between it and
//! the stream. Where much is received it comes in large pieces, since rustls would ask for 4 KiB at a time, four reads
//! for one full record; what it does not take yet waits in [`Input`].
//!
//! One task may read while another one writes, through `io::split`. Reading sends too: answers to the peer's key
//! updates, and what a write had no room for. It then waits in the writer's name if a writer waits, so that it never
//! takes the writer's place in the stream.

use crate::tls::error::TlsError;
use futures_io::{AsyncRead, AsyncWrite};
use rustls::{Connection, ProtocolVersion};
use std::io::{self, IoSlice, Write};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

/// Bytes that a read of the stream asks for at first, on the stack: a request, or an answer.
const SMALL_INPUT: usize = 4 * 1024;
/// And after one that was filled: a whole record of 16 KiB with its frame, and some more.
const LARGE_INPUT: usize = 18 * 1024;

/// Received bytes that rustls has not taken yet: from `taken` to `filled`.
#[derive(Debug, Default)]
struct Input {
    /// No memory while little is received: an idle connection holds none for what may come one day.
    bytes: Vec<u8>,
    filled: usize,
    taken: usize,
    /// The last read got all that it asked for.
    much: bool,
}

impl Input {
    fn new(bytes: Vec<u8>) -> Input {
        Input {
            filled: bytes.len(),
            bytes,
            ..Input::default()
        }
    }

    fn is_empty(&self) -> bool {
        self.taken == self.filled
    }
}

/// A connection, client's or server's.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) tls: Connection,
    input: Input,
    /// Who waits to write.
    writer: Option<Waker>,
    /// `close_notify` is sent or on its way.
    closed: bool,
}

impl Session {
    /// `received` was read from the stream before.
    pub(super) fn new(tls: Connection, received: Vec<u8>) -> Session {
        Session {
            tls,
            input: Input::new(received),
            writer: None,
            closed: false,
        }
    }

    /// Waits until there is something to read, or the end, and returns it. Not decrypted yet, it may be any error.
    pub(super) fn poll_readable<S: AsyncRead + AsyncWrite>(
        &mut self,
        mut stream: Pin<&mut S>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match self.tls.reader().into_first_chunk() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done.map(drop)),
            }
            self.send_aside(stream.as_mut(), cx);
            ready!(self.poll_receive(stream.as_mut(), cx))?;
        }
    }

    /// Encrypts a part of `bufs`, and sends as much as there is room for.
    pub(super) fn poll_write<S: AsyncWrite>(
        &mut self,
        mut stream: Pin<&mut S>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.closed {
            let what = "the TLS stream is closed for writing";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::BrokenPipe, what)));
        }
        // Otherwise a peer that does not read would fill the memory.
        ready!(self.poll_send_all(stream.as_mut(), cx))?;
        let count = self.tls.writer().write_vectored(bufs)?;
        match self.poll_send(stream, cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(count)),
        }
    }

    /// Sends `close_notify`, and what is before it.
    pub(super) fn poll_close<S: AsyncWrite>(
        &mut self,
        stream: Pin<&mut S>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.closed {
            self.closed = true;
            self.tls.send_close_notify();
        }
        self.poll_send_all(stream, cx)
    }

    /// Sends whatever is encrypted. Whoever has to wait here is the writer.
    pub(super) fn poll_send_all<S: AsyncWrite>(
        &mut self,
        stream: Pin<&mut S>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let sent = self.poll_send(stream, cx);
        let same = |writer: &Waker| writer.will_wake(cx.waker());
        if sent.is_ready() {
            self.writer = None;
        } else if !self.writer.as_ref().is_some_and(same) {
            self.writer = Some(cx.waker().clone());
        }
        sent
    }

    /// Takes part in the handshake until it is done.
    pub(super) fn poll_handshake<S: AsyncRead + AsyncWrite>(
        &mut self,
        mut stream: Pin<&mut S>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let sent = self.poll_send(stream.as_mut(), cx);
            if !self.tls.is_handshaking() {
                // A client may close right behind its last word, before the tickets for its next sessions.
                return match sent {
                    Poll::Pending if !self.has_only_tickets_to_send() => Poll::Pending,
                    Poll::Ready(_) | Poll::Pending => Poll::Ready(Ok(())),
                };
            }
            let received = self.poll_receive(stream.as_mut(), cx);
            match (sent, received) {
                (Poll::Ready(Err(error)), received) => {
                    // The peer's reason for closing may have come.
                    return Poll::Ready(Err(match received {
                        Poll::Ready(Err(reason)) if TlsError::of(&reason).is_some() => reason,
                        _ => error,
                    }));
                }
                // Also without room for what is to be sent: the peer may have none itself before this side reads.
                (_, received) => ready!(received)?,
            }
        }
    }

    /// After the handshake: is it nothing that the peer waits for? It may not read before it has something to read.
    fn has_only_tickets_to_send(&self) -> bool {
        let newest = self.tls.protocol_version() == Some(ProtocolVersion::TLSv1_3);
        matches!(self.tls, Connection::Server(_)) && newest
    }

    /// Sends on the side, while something else is done. Errors come again to who writes.
    fn send_aside<S: AsyncWrite>(&mut self, stream: Pin<&mut S>, cx: &mut Context<'_>) {
        if !self.tls.wants_write() {
            return;
        }
        match self.writer.clone() {
            Some(writer) => {
                let _ = self.poll_send(stream, &mut Context::from_waker(&writer));
            }
            None => {
                let _ = self.poll_send(stream, cx);
            }
        }
    }

    fn poll_send<S: AsyncWrite>(
        &mut self,
        mut stream: Pin<&mut S>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.tls.wants_write() {
            let mut sink = Sink {
                stream: stream.as_mut(),
                cx,
                full: false,
            };
            let sent = self.tls.write_tls(&mut sink);
            if sink.full {
                return Poll::Pending;
            }
            if sent? == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Receives something and lets rustls take it: at least one piece, at most until there is something to read.
    fn poll_receive<S: AsyncRead + AsyncWrite>(
        &mut self,
        mut stream: Pin<&mut S>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let received = if !self.input.is_empty() {
            self.take_rest()
        } else if self.input.much {
            ready!(self.poll_much(stream.as_mut(), cx))
        } else {
            ready!(self.poll_little(stream.as_mut(), cx))
        };
        if received.is_err() {
            // The alert that tells the peer why.
            self.send_aside(stream, cx);
        }
        Poll::Ready(received)
    }

    /// Receives a little, without memory of its own.
    fn poll_little<S: AsyncRead>(
        &mut self,
        stream: Pin<&mut S>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut bytes = [0; SMALL_INPUT];
        let count = ready!(stream.poll_read(cx, &mut bytes))?;
        if count == 0 {
            return Poll::Ready(self.end());
        }
        self.input.much = count == SMALL_INPUT;
        let mut taken = 0;
        let done = self.take(&bytes[..count], &mut taken);
        if taken < count {
            self.input.bytes = bytes[taken..count].to_vec();
            (self.input.filled, self.input.taken) = (count - taken, 0);
        }
        Poll::Ready(done)
    }

    /// Receives a whole record or more.
    fn poll_much<S: AsyncRead>(
        &mut self,
        stream: Pin<&mut S>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut bytes = std::mem::take(&mut self.input.bytes);
        bytes.resize(LARGE_INPUT, 0);
        let read = stream.poll_read(cx, &mut bytes);
        let count = match read {
            Poll::Ready(Ok(count)) if count > 0 => count,
            // The memory is given back.
            done => {
                self.input = Input::default();
                return match ready!(done) {
                    Ok(_) => Poll::Ready(self.end()),
                    Err(error) => Poll::Ready(Err(error)),
                };
            }
        };
        self.input = Input {
            bytes,
            filled: count,
            taken: 0,
            much: count >= SMALL_INPUT,
        };
        Poll::Ready(self.take_rest())
    }

    /// Lets rustls take what it has not taken before.
    fn take_rest(&mut self) -> io::Result<()> {
        let Input {
            bytes,
            filled,
            mut taken,
            much,
        } = std::mem::take(&mut self.input);
        let done = self.take(&bytes[..filled], &mut taken);
        self.input = Input {
            // Kept for the next read, if that is one of the same kind.
            bytes: if taken < filled || much {
                bytes
            } else {
                Vec::new()
            },
            filled,
            taken,
            much,
        };
        done
    }

    /// Lets rustls take what was received, from `taken` on, until there is something to read.
    fn take(&mut self, received: &[u8], taken: &mut usize) -> io::Result<()> {
        while *taken < received.len() {
            let count = self.tls.read_tls(&mut &received[*taken..])?;
            if count == 0 {
                // Behind the peer's `close_notify` nothing counts.
                *taken = received.len();
                return Ok(());
            }
            let begins = if *taken == 0 { received } else { &[] };
            *taken += count;
            let state = self.tls.process_new_packets();
            let state = state.map_err(|error| self.explain(begins, error))?;
            if state.plaintext_bytes_to_read() > 0 {
                break;
            }
        }
        Ok(())
    }

    /// The stream has ended.
    fn end(&mut self) -> io::Result<()> {
        self.tls.read_tls(&mut io::empty())?;
        let processed = self.tls.process_new_packets();
        processed.map_err(|error| self.explain(&[], error))?;
        if self.tls.is_handshaking() {
            let what = "the peer closed the connection during the TLS handshake";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
        }
        Ok(())
    }

    /// What rustls found, for the one who reads logs. `begins` is what was received, if it may be a connection's
    /// beginning.
    fn explain(&self, begins: &[u8], error: rustls::Error) -> io::Error {
        let what = match self.tls.is_handshaking() {
            true if speaks_http(begins) => {
                "the TLS handshake failed, as the peer speaks HTTP without TLS"
            }
            true => "the TLS handshake failed",
            false => "the TLS connection failed",
        };
        TlsError::because(what, error).into()
    }
}

/// The usual mistake of clients: `http://` with the port of `https://`.
fn speaks_http(input: &[u8]) -> bool {
    const METHODS: [&[u8]; 6] = [b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"HTTP/"];
    METHODS.iter().any(|method| input.starts_with(method))
}

/// A stream as rustls writes to it.
struct Sink<'a, 'c, S> {
    stream: Pin<&'a mut S>,
    cx: &'a mut Context<'c>,
    /// The stream has no room, and will wake.
    full: bool,
}

impl<S: AsyncWrite> Sink<'_, '_, S> {
    fn wait<T>(&mut self, written: Poll<io::Result<T>>) -> io::Result<T> {
        match written {
            Poll::Ready(written) => written,
            Poll::Pending => {
                self.full = true;
                Err(io::ErrorKind::WouldBlock.into())
            }
        }
    }
}

impl<S: AsyncWrite> Write for Sink<'_, '_, S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let written = self.stream.as_mut().poll_write(self.cx, buf);
        self.wait(written)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let written = self.stream.as_mut().poll_write_vectored(self.cx, bufs);
        self.wait(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
