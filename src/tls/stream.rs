//! The encrypted stream, server's or client's.

use crate::tls::session::Session;
use filch_executor::leaf;
use futures_io::{AsyncBufRead, AsyncRead, AsyncWrite};
use pin_project_lite::pin_project;
use rustls::pki_types::CertificateDer;
use rustls::{CipherSuite, Connection, HandshakeKind, ProtocolVersion};
use std::fmt;
use std::io::{self, BufRead, IoSlice, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// An encrypted stream over another one, after its handshake: of [`TlsAcceptor::accept`](super::TlsAcceptor::accept)
    /// and [`TlsConnector::connect`](super::TlsConnector::connect).
    ///
    /// It reads and writes by the io traits. [`io::split`](crate::io::split) makes two halves for two tasks.
    /// Reads are cancel safe, and so is each single write: bytes move when it returns.
    ///
    /// A write returns when the bytes are encrypted. Those that found no room in the socket are sent by the next write,
    /// read, flush or close. Dropped without `close`, it cuts the connection off, and the peer's read says so.
    pub struct TlsStream<S> {
        #[pin]
        stream: S,
        session: Session,
    }
}

// Nobody else's code runs while a session is half changed but the stream's, which says so itself.
impl<S: UnwindSafe> UnwindSafe for TlsStream<S> {}
impl<S: RefUnwindSafe> RefUnwindSafe for TlsStream<S> {}

impl<S> TlsStream<S> {
    /// Before the handshake. `received` was read from the stream already.
    pub(super) fn new(tls: Connection, received: Vec<u8>, stream: S) -> TlsStream<S> {
        let session = Session::new(tls, received);
        TlsStream { stream, session }
    }

    /// The stream below, for its addresses and options.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The stream below. Bytes that are read from it or written to it directly break the connection.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Gives the stream below back. The connection is not closed, and what was received and not read is lost.
    pub fn into_inner(self) -> S {
        self.stream
    }

    /// What both sides agreed to speak (ALPN), such as `h2`; `None` if either did not ask.
    pub fn alpn_protocol(&self) -> Option<&[u8]> {
        self.session.tls.alpn_protocol()
    }

    /// TLS 1.2 or 1.3.
    pub fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.session.tls.protocol_version()
    }

    /// The cipher suite that both sides agreed on.
    pub fn cipher_suite(&self) -> Option<CipherSuite> {
        let suite = self.session.tls.negotiated_cipher_suite()?;
        Some(suite.suite())
    }

    /// The certificates that the peer showed, its own first: a server's, or a client's if it was asked for one.
    pub fn peer_certificates(&self) -> Option<&[CertificateDer<'static>]> {
        self.session.tls.peer_certificates()
    }

    /// The name that the client asked for (SNI). `None` on the client's side, which knows it.
    pub fn server_name(&self) -> Option<&str> {
        match &self.session.tls {
            Connection::Server(server) => server.server_name(),
            Connection::Client(_) => None,
        }
    }

    /// Has it resumed an earlier session, without certificates being shown again?
    pub fn is_resumed(&self) -> bool {
        self.session.tls.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// Key material of this connection for another protocol
    /// ([RFC 5705](https://www.rfc-editor.org/rfc/rfc5705), [RFC 8446](https://www.rfc-editor.org/rfc/rfc8446) 7.5).
    ///
    /// # Errors
    /// If `output` is empty or too long.
    pub fn export_keying_material<T: AsMut<[u8]>>(
        &self,
        output: T,
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<T, super::TlsError> {
        let tls = &self.session.tls;
        tls.export_keying_material(output, label, context)
            .map_err(|error| super::TlsError::because("no key material", error))
    }

    /// rustls' own view of the connection, for what has no method here.
    pub fn connection(&self) -> &Connection {
        &self.session.tls
    }
}

impl<S: AsyncRead + AsyncWrite> TlsStream<S> {
    /// Takes part in the handshake until it is done.
    pub(super) fn poll_handshake(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.project();
        this.session.poll_handshake(this.stream, cx)
    }

    /// Waits until there is something to read or the end, within the budget: what is decrypted is there at once.
    fn poll_readable(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        let this = self.project();
        this.session.poll_readable(this.stream, cx)
    }

    /// Reads into memory that need not be initialised, as [`poll_read`](AsyncRead::poll_read) does. Returns how many
    /// bytes of `buf`, from its first on, are so now; 0 is the end of the stream.
    ///
    /// # Errors
    /// As [`poll_read`](AsyncRead::poll_read).
    pub fn poll_read_uninit(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [MaybeUninit<u8>],
    ) -> Poll<io::Result<usize>> {
        let there = ready!(self.as_mut().poll_fill_buf(cx))?;
        let count = there.len().min(buf.len());
        for (to, from) in buf.iter_mut().zip(&there[..count]) {
            to.write(*from);
        }
        self.consume(count);
        Poll::Ready(Ok(count))
    }
}

impl<S: AsyncRead + AsyncWrite> AsyncRead for TlsStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_read_vectored(cx, &mut [IoSliceMut::new(buf)])
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        if bufs.iter().all(|buf| buf.is_empty()) {
            return leaf::poll_budget_of(&*self, cx).map(|()| Ok(0));
        }
        ready!(self.as_mut().poll_readable(cx))?;
        let mut reader = self.project().session.tls.reader();
        Poll::Ready(reader.read_vectored(bufs))
    }
}

impl<S: AsyncRead + AsyncWrite> AsyncBufRead for TlsStream<S> {
    fn poll_fill_buf(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        ready!(self.as_mut().poll_readable(cx))?;
        let reader = self.project().session.tls.reader();
        Poll::Ready(reader.into_first_chunk())
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        self.project().session.tls.reader().consume(amount);
    }
}

impl<S: AsyncRead + AsyncWrite> AsyncWrite for TlsStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        let this = self.project();
        this.session.poll_write(this.stream, cx, bufs)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        let mut this = self.project();
        ready!(this.session.poll_send_all(this.stream.as_mut(), cx))?;
        this.stream.poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        let mut this = self.project();
        ready!(this.session.poll_close(this.stream.as_mut(), cx))?;
        this.stream.poll_close(cx)
    }
}

impl<S: fmt::Debug> fmt::Debug for TlsStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("TlsStream");
        if let Some(version) = self.protocol_version() {
            debug.field("version", &version);
        }
        if let Some(protocol) = self.alpn_protocol() {
            debug.field("alpn", &String::from_utf8_lossy(protocol));
        }
        debug.field("stream", &self.stream).finish_non_exhaustive()
    }
}
