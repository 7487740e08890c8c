//! Connections that a proxy passes on, which says whose they are: HAProxy's PROXY protocol, versions 1 and 2.

use super::{Facts, Listener, Open, Transport};
use crate::http::info::Peer;
use crate::time::{Duration, timeout};
use hyper::rt::ReadBuf;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// How long a proxy may take to say whose a connection is.
const PATIENCE: Duration = Duration::from_secs(10);
/// So long is a line of the version in text at most, by its specification.
const LONGEST: usize = 107;
/// How the binary version begins.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

type IsProxy = Arc<dyn Fn(&Peer) -> bool + Send + Sync>;

/// Connections that a proxy passes on by the PROXY protocol, version 1 or 2: the peer is whom the proxy names.
///
/// Only those whom you name are believed, and they have to speak so: a connection of theirs that does not is closed.
/// Everybody else's is taken as it comes, so nobody can pretend to be somebody.
///
/// Under TLS it goes below: `TlsListener::new(ProxyListener::of_addresses(..), acceptor)`.
///
/// ```no_run
/// # filch::run(async {
/// use filch::http::ProxyListener;
/// use filch::net::TcpListener;
///
/// let tcp = TcpListener::bind("0.0.0.0:8000").await?;
/// let listener = ProxyListener::of_addresses(tcp, ["10.0.0.7".parse().unwrap()]);
/// # std::io::Result::Ok(()) });
/// ```
pub struct ProxyListener<L> {
    listener: L,
    is_proxy: IsProxy,
}

impl<L> ProxyListener<L> {
    /// Believes those who connect from these addresses.
    pub fn of_addresses(
        listener: L,
        proxies: impl IntoIterator<Item = IpAddr>,
    ) -> ProxyListener<L> {
        let proxies: Vec<IpAddr> = proxies.into_iter().map(|ip| ip.to_canonical()).collect();
        let known = move |peer: &Peer| {
            peer.ip()
                .is_some_and(|ip| proxies.contains(&ip.to_canonical()))
        };
        ProxyListener::of_peers(listener, known)
    }

    /// Believes those of whom `is_proxy` says so: a net, or whoever connects to a Unix socket.
    pub fn of_peers(
        listener: L,
        is_proxy: impl Fn(&Peer) -> bool + Send + Sync + 'static,
    ) -> ProxyListener<L> {
        ProxyListener {
            listener,
            is_proxy: Arc::new(is_proxy),
        }
    }
}

impl<L> Listener for ProxyListener<L>
where
    L: Listener,
    L::Io: Transport,
{
    type Io = Proxied<L::Io>;
    type Peer = L::Peer;
    type Addr = L::Addr;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Io, L::Peer)>> {
        let is_proxy = &self.is_proxy;
        self.listener.poll_accept(cx).map_ok(|(stream, peer)| {
            let announced = is_proxy(&peer.clone().into());
            (Proxied { stream, announced }, peer)
        })
    }

    fn local_addr(&self) -> io::Result<L::Addr> {
        self.listener.local_addr()
    }
}

impl<L: fmt::Debug> fmt::Debug for ProxyListener<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyListener")
            .field("listener", &self.listener)
            .finish_non_exhaustive()
    }
}

/// A connection of a [`ProxyListener`].
#[derive(Debug)]
pub struct Proxied<S> {
    stream: S,
    /// Its first bytes say whose it is.
    announced: bool,
}

impl<S: Transport> Open for Proxied<S> {
    type Stream = S;

    async fn open(mut self) -> io::Result<(S, Facts)> {
        let mut facts = Facts::default();
        if self.announced {
            let announced = timeout(PATIENCE, announcement(&mut self.stream)).await;
            facts.peer = announced.map_err(|_| bad("nothing in time"))??;
        }
        Ok((self.stream, facts))
    }
}

fn bad(what: &str) -> io::Error {
    let text = format!("a proxy should have said whose connection it is, and said: {what}");
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// Whom the proxy names; `None` if it speaks for itself. Not a byte is read beyond that.
async fn announcement<S: Transport>(stream: &mut S) -> io::Result<Option<Peer>> {
    let mut first = [0; 12];
    read_exactly(stream, &mut first).await?;
    if first == SIGNATURE {
        return binary(stream).await;
    }
    let mut line = first.to_vec();
    while !line.ends_with(b"\r\n") {
        if line.len() >= LONGEST || !line.starts_with(b"PROXY ") {
            return Err(bad("no line of that protocol"));
        }
        let mut next = [0];
        read_exactly(stream, &mut next).await?;
        line.push(next[0]);
    }
    text(&line)
}

async fn binary<S: Transport>(stream: &mut S) -> io::Result<Option<Peer>> {
    let mut head = [0; 4];
    read_exactly(stream, &mut head).await?;
    let [version, family, ..] = head;
    let mut body = vec![0; usize::from(u16::from_be_bytes([head[2], head[3]]))];
    read_exactly(stream, &mut body).await?;
    addressed(version, family, &body)
}

/// What the version in bytes says.
fn addressed(version: u8, family: u8, body: &[u8]) -> io::Result<Option<Peer>> {
    match version {
        // The proxy itself: it looks whether anybody is here.
        0x20 => return Ok(None),
        0x21 => {}
        _ => return Err(bad("another version, or another command")),
    }
    let (ip, port) = match family >> 4 {
        1 => {
            let (ip, rest) = body
                .split_first_chunk::<4>()
                .ok_or_else(|| bad("too little"))?;
            (IpAddr::from(Ipv4Addr::from(*ip)), rest.get(4..6))
        }
        2 => {
            let (ip, rest) = body
                .split_first_chunk::<16>()
                .ok_or_else(|| bad("too little"))?;
            (IpAddr::from(Ipv6Addr::from(*ip)), rest.get(16..18))
        }
        // Unix sockets, and what has no address.
        _ => return Ok(None),
    };
    let port = port.ok_or_else(|| bad("too little"))?;
    let port = u16::from_be_bytes([port[0], port[1]]);
    Ok(Some(Peer::Tcp(SocketAddr::new(ip, port))))
}

/// What the version in text says.
fn text(line: &[u8]) -> io::Result<Option<Peer>> {
    let line = std::str::from_utf8(line).map_err(|_| bad("no text"))?;
    let words: Vec<&str> = line.trim_end_matches("\r\n").split(' ').collect();
    match words[..] {
        ["PROXY", "UNKNOWN", ..] => Ok(None),
        ["PROXY", "TCP4" | "TCP6", ip, _, port, _] => {
            let ip = ip.parse().map_err(|_| bad("no address"))?;
            let port = port.parse().map_err(|_| bad("no port"))?;
            Ok(Some(Peer::Tcp(SocketAddr::new(ip, port))))
        }
        _ => Err(bad("another line than that protocol's")),
    }
}

async fn read_exactly<S: Transport>(stream: &mut S, buffer: &mut [u8]) -> io::Result<()> {
    let whole = buffer.len();
    let mut buf = ReadBuf::new(buffer);
    poll_fn(|cx| {
        while buf.filled().len() < whole {
            let before = buf.filled().len();
            ready!(Pin::new(&mut *stream).poll_read(cx, buf.unfilled()))?;
            if buf.filled().len() == before {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        Poll::Ready(Ok(()))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(found: io::Result<Option<Peer>>) -> String {
        match found {
            Ok(Some(peer)) => peer.socket_addr().unwrap().to_string(),
            Ok(None) => "itself".to_owned(),
            Err(_) => "bad".to_owned(),
        }
    }

    #[test]
    fn lines_of_text() {
        for (line, found) in [
            (
                "PROXY TCP4 192.0.2.1 192.0.2.2 5000 80\r\n",
                "192.0.2.1:5000",
            ),
            (
                "PROXY TCP6 2001:db8::1 2001:db8::2 5000 80\r\n",
                "[2001:db8::1]:5000",
            ),
            ("PROXY UNKNOWN\r\n", "itself"),
            ("PROXY UNKNOWN what ever\r\n", "itself"),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 5000\r\n", "bad"),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 70000 80\r\n", "bad"),
            ("PROXY UDP4 192.0.2.1 192.0.2.2 5000 80\r\n", "bad"),
        ] {
            assert_eq!(address(text(line.as_bytes())), found, "{line}");
        }
    }

    #[test]
    fn bytes() {
        let four = [192, 0, 2, 1, 192, 0, 2, 2, 0x13, 0x88, 0, 80];
        assert_eq!(address(addressed(0x21, 0x11, &four)), "192.0.2.1:5000");
        assert_eq!(
            address(addressed(0x21, 0x11, &[&four[..], &[4, 0, 1, 0]].concat())),
            "192.0.2.1:5000"
        );
        let six = [[0; 15].as_slice(), &[1], &[0; 16], &[0x13, 0x88, 0, 80]].concat();
        assert_eq!(address(addressed(0x21, 0x21, &six)), "[::1]:5000");
        assert_eq!(address(addressed(0x20, 0, &[])), "itself");
        assert_eq!(address(addressed(0x21, 0x31, &[0; 216])), "itself");
        assert_eq!(address(addressed(0x21, 0x11, &four[..9])), "bad");
        assert_eq!(address(addressed(0x11, 0x11, &four)), "bad");
    }
}
