//! Looking names up while the name server is silent. That takes a network of its own, for which the system may want
//! more rights than there are: then the test says that it was skipped. What needs no such server is in `net/lookup.rs`
//! and `connect.rs`.

#![cfg(target_os = "linux")]

mod common;

use common::process::{again, part, text_of, threads};
use filch::net::lookup_host;
use filch::time::FutureExt;
use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

/// Runs a child where the only name server is this machine's port 53. False: not allowed here.
fn run_with_silent_server(test: &str, name: &str) -> bool {
    let child = again(test, name, None);
    let quoted = |word: &std::ffi::OsStr| format!("'{}'", word.to_str().unwrap());
    let words: Vec<_> = std::iter::once(child.get_program())
        .chain(child.get_args())
        .map(quoted)
        .collect();
    let script = format!(
        "mount -t tmpfs tmpfs /mnt && echo nameserver 127.0.0.1 > /mnt/resolv.conf && \
         echo '127.0.0.1 in.hosts localhost' > /mnt/hosts && \
         mount --bind /mnt/resolv.conf /etc/resolv.conf && mount --bind /mnt/hosts /etc/hosts && \
         echo ready && exec {}",
        words.join(" ")
    );
    let mut unshare = Command::new("unshare");
    unshare.args([
        "--user",
        "--map-root-user",
        "--mount",
        "--net",
        "sh",
        "-c",
        &script,
    ]);
    for (key, value) in child.get_envs() {
        unshare.env(key, value.unwrap());
    }
    let Ok(output) = unshare.output() else {
        eprintln!("skipped: there is no `unshare` here");
        return false;
    };
    let text = text_of(&output);
    if !text.contains("ready") {
        eprintln!("skipped: no namespace of its own is allowed here: {text}");
        return false;
    }
    assert!(output.status.success(), "{}\n{text}", output.status);
    true
}

/// Brings the loopback interface up and takes the name server's port, which never answers.
fn be_silent() -> UdpSocket {
    // SAFETY: a request of all-zero bytes is one without a name and flags.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[0] = b'l' as libc::c_char;
    request.ifr_name[1] = b'o' as libc::c_char;
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as i16;
    let any = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).unwrap();
    let any = std::os::fd::AsRawFd::as_raw_fd(&any);
    // SAFETY: the socket is open, and the request is of the type that this call reads.
    let failed = unsafe { libc::ioctl(any, libc::SIOCSIFFLAGS as _, &request) };
    assert_eq!(failed, 0);
    UdpSocket::bind("127.0.0.1:53").unwrap()
}

#[test]
fn child_looks_up_in_vain() {
    let Some(name) = part() else { return };
    let _silent = be_silent();
    match &*name {
        "gives up" => filch::run(async {
            let lookup = lookup_host("x.example:80").timeout(Duration::from_millis(300));
            assert!(lookup.await.is_err());
        }),
        "crowd" => filch::run(async {
            let many = (0..600).map(|n| async move {
                let name = (format!("x{n}.example"), 80);
                lookup_host(name)
                    .timeout(Duration::from_millis(300))
                    .await
                    .is_err()
            });
            let many = filch::gather_results(many).await;
            assert!(many.into_iter().all(|one| one.unwrap()));
            assert_eq!(filch::spawn_blocking(|| 42).await.unwrap(), 42);
            let known = lookup_host("in.hosts:80").await.unwrap();
            assert!(known.eq(["127.0.0.1:80".parse().unwrap()]));
            assert!(threads("filch-lookup").len() <= 65);
        }),
        other => panic!("no such part: {other}"),
    }
    // The resolver gives up after 10 s or later: whoever asks it is there still.
    assert_ne!(threads("filch-lookup").len(), 0);
}

#[test]
fn a_lookup_that_was_given_up_does_not_hold_the_end() {
    run_with_silent_server("child_looks_up_in_vain", "gives up");
}

#[test]
fn a_name_in_the_file_of_hosts_comes_through_behind_many_without_an_answer() {
    run_with_silent_server("child_looks_up_in_vain", "crowd");
}

#[test]
fn a_lookup_needs_no_runtime() {
    // Known at once.
    let found = futures_util::FutureExt::now_or_never(lookup_host("localhost:80"));
    assert_ne!(found.unwrap().unwrap().count(), 0);
    // Asked for, and not known: unless this thread was stopped for so long, that is not heard of yet.
    let found = futures_util::FutureExt::now_or_never(lookup_host("no such host:80"));
    assert!(found.is_none_or(|found| found.is_err()));
}
