//! What a UDP socket does without a future: once and now, or for futures that others write by hand.

use crate::io::Append;
use crate::net::udp::UdpSocket;
use crate::sys::recv;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

/// Transfers that never wait.
impl UdpSocket {
    /// Receives from anybody without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is there; otherwise the system's.
    pub fn try_recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.datagram()
            .try_reading(|| self.get_ref().recv_from(buf))
    }

    /// Receives from anybody without waiting and leaves the datagram.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is there; otherwise the system's.
    pub fn try_peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.datagram()
            .try_reading(|| self.get_ref().peek_from(buf))
    }

    /// Receives from the connected peer without waiting and leaves the datagram.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is there; otherwise the system's.
    pub fn try_peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.datagram().try_reading(|| self.get_ref().peek(buf))
    }

    /// Sends to `target` without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if there is no room; otherwise the system's.
    pub fn try_send_to(&self, buf: &[u8], target: SocketAddr) -> io::Result<usize> {
        self.datagram()
            .try_writing(|| self.get_ref().send_to(buf, target))
    }

    /// Receives from anybody without waiting, behind the end of `buf`.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is there; otherwise the system's.
    pub fn try_recv_buf_from<B: Append>(&self, buf: &mut B) -> io::Result<(usize, SocketAddr)> {
        let socket = self.socket();
        self.datagram()
            .try_reading(|| recv::recv_append_from(&socket, buf))
    }

    /// Tells who sent the datagram that comes next, without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is there; otherwise the system's.
    pub fn try_peek_sender(&self) -> io::Result<SocketAddr> {
        let socket = self.socket();
        self.datagram().try_reading(|| recv::peek_sender(&socket))
    }
}

/// For hand-written futures. Of several tasks that use such methods to receive, the last one is woken; those that send
/// have a place of their own.
///
/// ```
/// use filch::net::UdpSocket;
/// use std::future::poll_fn;
///
/// # filch::run(async {
/// let socket = UdpSocket::bind("127.0.0.1:0").await?;
/// let own = socket.local_addr()?;
/// poll_fn(|cx| socket.poll_send_to(cx, b"hello", own)).await?;
/// let mut buf = [0; 16];
/// assert_eq!(poll_fn(|cx| socket.poll_recv_from(cx, &mut buf)).await?, (5, own));
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
impl UdpSocket {
    /// Receives one datagram from anybody. What does not fit into `buf` is lost. Returns its length and who sent it.
    ///
    /// # Errors
    /// The system's.
    #[track_caller]
    pub fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        self.datagram()
            .poll_reading(cx, || self.get_ref().recv_from(buf))
    }

    /// Receives one datagram from anybody and leaves it to be received again.
    ///
    /// # Errors
    /// The system's.
    #[track_caller]
    pub fn poll_peek_from(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        self.datagram()
            .poll_reading(cx, || self.get_ref().peek_from(buf))
    }

    /// Tells who sent the datagram that comes next, and leaves it.
    ///
    /// # Errors
    /// The system's.
    #[track_caller]
    pub fn poll_peek_sender(&self, cx: &mut Context<'_>) -> Poll<io::Result<SocketAddr>> {
        let socket = self.socket();
        self.datagram()
            .poll_reading(cx, || recv::peek_sender(&socket))
    }

    /// Sends one datagram to `target`. Returns its length.
    ///
    /// # Errors
    /// The system's.
    #[track_caller]
    pub fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        buf: &[u8],
        target: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        self.datagram()
            .poll_writing(cx, || self.get_ref().send_to(buf, target))
    }
}
