//! Socket options, all through socket2: a table per kind of socket.

use crate::net::tcp_listener::TcpListener;
use crate::net::tcp_socket::TcpSocket;
use crate::net::tcp_stream::TcpStream;
use crate::net::udp::UdpSocket;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// A getter and a setter per line: their names and type here, and socket2's names.
macro_rules! options {
    ($socket:ty { $(
        $(#[$meta:meta])*
        $get:ident, $set:ident: $type:ty = $from:ident, $to:ident;
    )* }) => {
        impl $socket { $(
            $(#[$meta])*
            ///
            /// # Errors
            /// The system's.
            pub fn $get(&self) -> io::Result<$type> {
                self.socket().$from()
            }

            #[doc = concat!("Sets [`", stringify!($get), "`](Self::", stringify!($get), ").")]
            ///
            /// # Errors
            /// The system's.
            pub fn $set(&self, value: $type) -> io::Result<()> {
                self.socket().$to(value)
            }
        )* }
    };
}

options! { TcpStream {
    /// Whether small writes go out at once (`TCP_NODELAY`, off at first) or wait to be joined.
    nodelay, set_nodelay: bool = tcp_nodelay, set_tcp_nodelay;
    /// How long closing waits for data that were not sent yet (`SO_LINGER`, in whole seconds). Zero: closing resets
    /// the connection. With another value, closing blocks the thread.
    linger, set_linger: Option<Duration> = linger, set_linger;
    /// How many routers a packet may pass (IPv4).
    ttl, set_ttl: u32 = ttl_v4, set_ttl_v4;
    /// Whether an idle connection is probed (`SO_KEEPALIVE`).
    keepalive, set_keepalive: bool = keepalive, set_keepalive;
    /// The size of the system's receive buffer, in bytes. Linux doubles what is set.
    recv_buffer_size, set_recv_buffer_size: usize = recv_buffer_size, set_recv_buffer_size;
    /// The size of the system's send buffer, in bytes. Linux doubles what is set.
    send_buffer_size, set_send_buffer_size: usize = send_buffer_size, set_send_buffer_size;
} }

options! { TcpListener {
    /// The size of the receive buffer that accepted connections get, in bytes.
    recv_buffer_size, set_recv_buffer_size: usize = recv_buffer_size, set_recv_buffer_size;
    /// The size of the send buffer that accepted connections get, in bytes.
    send_buffer_size, set_send_buffer_size: usize = send_buffer_size, set_send_buffer_size;
} }

options! { TcpSocket {
    /// Whether the address can be bound though connections of an earlier listener are still there (`SO_REUSEADDR`). On
    /// Windows it also lets two sockets share it.
    reuseaddr, set_reuseaddr: bool = reuse_address, set_reuse_address;
    /// Whether small writes go out at once (`TCP_NODELAY`, off at first) or wait to be joined.
    nodelay, set_nodelay: bool = tcp_nodelay, set_tcp_nodelay;
    /// Whether an idle connection is probed (`SO_KEEPALIVE`).
    keepalive, set_keepalive: bool = keepalive, set_keepalive;
    /// How long closing waits for data that were not sent yet (`SO_LINGER`, in whole seconds). Zero: closing resets
    /// the connection. With another value, closing blocks the thread.
    linger, set_linger: Option<Duration> = linger, set_linger;
} }

#[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos"))))]
options! { TcpSocket {
    /// Whether several sockets, also of several processes, may listen at one address; the system spreads what comes
    /// (`SO_REUSEPORT`). Each of them has to set it.
    reuseport, set_reuseport: bool = reuse_port, set_reuse_port;
} }

options! { UdpSocket {
    /// Whether sending to a broadcast address is allowed.
    broadcast, set_broadcast: bool = broadcast, set_broadcast;
    /// How many routers a packet may pass (IPv4).
    ttl, set_ttl: u32 = ttl_v4, set_ttl_v4;
    /// Whether multicast packets come back to this machine (IPv4).
    multicast_loop_v4, set_multicast_loop_v4: bool = multicast_loop_v4, set_multicast_loop_v4;
    /// Whether multicast packets come back to this machine (IPv6).
    multicast_loop_v6, set_multicast_loop_v6: bool = multicast_loop_v6, set_multicast_loop_v6;
    /// How many routers a multicast packet may pass (IPv4).
    multicast_ttl_v4, set_multicast_ttl_v4: u32 = multicast_ttl_v4, set_multicast_ttl_v4;
    /// How many routers a multicast packet may pass (IPv6).
    multicast_hops_v6, set_multicast_hops_v6: u32 = multicast_hops_v6, set_multicast_hops_v6;
    /// The size of the system's receive buffer, in bytes. Linux doubles what is set.
    recv_buffer_size, set_recv_buffer_size: usize = recv_buffer_size, set_recv_buffer_size;
    /// The size of the system's send buffer, in bytes. Linux doubles what is set.
    send_buffer_size, set_send_buffer_size: usize = send_buffer_size, set_send_buffer_size;
} }

impl UdpSocket {
    /// Joins the IPv4 multicast group `group` on the interface with the address `interface`
    /// (unspecified: the system chooses).
    ///
    /// # Errors
    /// The system's.
    pub fn join_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.socket().join_multicast_v4(&group, &interface)
    }

    /// Leaves a group that was joined with [`join_multicast_v4`](UdpSocket::join_multicast_v4).
    ///
    /// # Errors
    /// The system's.
    pub fn leave_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.socket().leave_multicast_v4(&group, &interface)
    }

    /// Joins the IPv6 multicast group `group` on the interface with the index `interface` (0: any).
    ///
    /// # Errors
    /// The system's.
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.socket().join_multicast_v6(group, interface)
    }

    /// Leaves a group that was joined with [`join_multicast_v6`](UdpSocket::join_multicast_v6).
    ///
    /// # Errors
    /// The system's.
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.socket().leave_multicast_v6(group, interface)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
options! { TcpStream {
    /// Whether acknowledgements go out at once (`TCP_QUICKACK`). The system may switch it off again.
    quickack, set_quickack: bool = tcp_quickack, set_tcp_quickack;
    /// How long written data may stay without an acknowledgement before the connection ends
    /// (`TCP_USER_TIMEOUT`). None: the system's choice.
    user_timeout, set_user_timeout: Option<Duration> = tcp_user_timeout, set_tcp_user_timeout;
} }

#[cfg(any(
    target_os = "linux",
    target_os = "android",
    target_vendor = "apple",
    windows
))]
options! { TcpStream {
    /// The type of service in the header of IPv4 packets.
    tos, set_tos: u32 = tos_v4, set_tos_v4;
} }

#[cfg(any(
    target_os = "linux",
    target_os = "android",
    target_vendor = "apple",
    windows
))]
options! { TcpSocket {
    /// The type of service in the header of IPv4 packets.
    tos_v4, set_tos_v4: u32 = tos_v4, set_tos_v4;
} }

#[cfg(any(target_os = "linux", target_os = "android", target_os = "macos"))]
options! { TcpSocket {
    /// The traffic class in the header of IPv6 packets.
    tclass_v6, set_tclass_v6: u32 = tclass_v6, set_tclass_v6;
} }

#[cfg(any(
    target_os = "linux",
    target_os = "android",
    target_vendor = "apple",
    windows
))]
options! { UdpSocket {
    /// The type of service in the header of IPv4 packets.
    tos, set_tos: u32 = tos_v4, set_tos_v4;
} }
