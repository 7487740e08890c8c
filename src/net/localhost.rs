//! The one name that needs no resolver.
//!
//! RFC 6761, section 6.3: `localhost` is the loopback address, in both families, and resolvers should not ask anybody.
//! The order is that of `getaddrinfo`, which puts ::1 first (RFC 6724), after it has left out what the file of hosts
//! does not say. Whoever binds to `localhost` here and whoever looks for it elsewhere on the machine mean the same
//! address then.

use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

const NAME: &str = "localhost";

/// Where the file of hosts is. There is none on Windows, whose resolver knows the name by itself.
const HOSTS: &str = "/etc/hosts";

/// So much of the file of hosts is read, in bytes: some block a million names in it, far behind this one.
const MOST: u64 = 64 * 1024;

/// The addresses of `host` if it is `localhost`.
pub(crate) fn addresses(host: &str, port: u16) -> Option<Vec<SocketAddr>> {
    if !is_localhost(host) {
        return None;
    }
    let (v4, v6) = (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into());
    let order: [IpAddr; 2] = if is_second(&hosts()) || !exists(v6) {
        [v4, v6]
    } else {
        [v6, v4]
    };
    Some(order.map(|ip| SocketAddr::new(ip, port)).into())
}

/// In any case, and with a dot at its end as in any full name.
fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.eq_ignore_ascii_case(NAME)
}

/// Does the file of hosts call 127.0.0.1 by that name, and ::1 not?
fn is_second(hosts: &str) -> bool {
    let mut families = hosts.lines().filter_map(of_localhost);
    let v4 = families.clone().any(|ip| ip.is_ipv4());
    v4 && !families.any(|ip| ip.is_ipv6())
}

/// The address of a line that names `localhost`.
fn of_localhost(line: &str) -> Option<IpAddr> {
    let line = line.split('#').next()?;
    let mut words = line.split_whitespace();
    let ip = words.next()?.parse::<IpAddr>().ok()?;
    words.any(is_localhost).then_some(ip)
}

/// The beginning of the file of hosts; nothing if there is none.
fn hosts() -> String {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(HOSTS) {
        // What could be read counts.
        let _ = file.take(MOST).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Has this machine such an address?
fn exists(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::ToSocketAddrs;

    #[test]
    fn the_name_has_no_case_and_may_be_full() {
        for name in ["localhost", "LocalHost", "localhost."] {
            let mut found = addresses(name, 80).expect("it is known");
            found.sort();
            let both: [SocketAddr; 2] = [
                ([127, 0, 0, 1], 80).into(),
                (Ipv6Addr::LOCALHOST, 80).into(),
            ];
            assert_eq!(found, both);
        }
        for name in ["", ".", "localhost..", "localhost.example.org", "127.0.0.1"] {
            assert_eq!(addresses(name, 80), None, "{name}");
        }
    }

    #[test]
    fn the_first_address_is_the_resolvers_first() {
        let found = (NAME, 80).to_socket_addrs().expect("every machine has one");
        let known = addresses(NAME, 80).expect("it is known");
        assert_eq!(found.into_iter().next(), known.first().copied());
    }

    #[test]
    fn the_file_of_hosts_says_which_comes_first() {
        assert!(is_second(
            "# hosts\n127.0.0.1 localhost # ::1 localhost\n::1 ip6-loopback"
        ));
        assert!(!is_second(
            "127.0.0.1\tlocalhost\n::1 ip6-localhost localhost"
        ));
        assert!(!is_second("::1 localhost"));
        assert!(!is_second(""));
        assert!(!is_second("10.0.0.1 elsewhere\nnonsense localhost"));
    }
}
