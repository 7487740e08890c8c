//! Loops over I/O that is ready, or fails, at once: others run beside them, they time out, and they can be aborted.

#![cfg(unix)]

mod common;

use common::{Limit, runtime};
use filch::io::{AllowStdIo, Cursor, ReadLimitExt, copy, copy_bidirectional, empty, repeat, sink};
use filch::net::{Async, TcpListener, TcpStream, UdpSocket, UnixStream, lookup_host};
use filch::time::timeout;
use std::fs::File;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(10);

type Endless = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One line per loop: its name, and what it does again and again.
macro_rules! loops {
    ($($name:literal => $before:block |$state:ident| $body:block)*) => {
        fn all() -> Vec<(&'static str, fn() -> Endless)> {
            vec![$(($name, || Box::pin(async {
                #[allow(unused_mut, unused_variables, reason = "some have no state")]
                let mut $state = $before;
                loop {
                    $body
                }
            }))),*]
        }
    };
}

fn file(name: &str) -> AllowStdIo<File> {
    AllowStdIo::new(File::options().read(true).write(true).open(name).unwrap())
}

/// A Unix stream whose other end is gone, so that it is always readable.
fn ended() -> Async<std::os::unix::net::UnixStream> {
    Async::new(std::os::unix::net::UnixStream::pair().unwrap().0).unwrap()
}

loops! {
    "bind TCP" => {} |it| { TcpListener::bind("127.0.0.1:0").await.unwrap(); }
    "bind TCP to a taken address" => { TcpListener::bind("127.0.0.1:0").await.unwrap() } |it| {
        TcpListener::bind(it.local_addr().unwrap()).await.unwrap_err();
    }
    "bind UDP" => {} |it| { UdpSocket::bind("127.0.0.1:0").await.unwrap(); }
    "connect UDP" => { UdpSocket::bind("127.0.0.1:0").await.unwrap() } |it| {
        it.connect("127.0.0.1:9").await.unwrap();
    }
    "connect TCP where nobody is" => {} |it| { TcpStream::connect("127.0.0.1:1").await.unwrap_err(); }
    "connect TCP to no address" => {} |it| { TcpStream::connect("nonsense").await.unwrap_err(); }
    "connect TCP to an impossible address" => {} |it| {
        TcpStream::connect("255.255.255.255:1").await.unwrap_err();
    }
    "connect Unix to no file" => {} |it| { UnixStream::connect("no-such-socket").await.unwrap_err(); }
    "connect Unix where nobody listens" => {} |it| { UnixStream::connect("/dev/null").await.unwrap_err(); }
    "connect Unix to a path that is none" => {} |it| {
        UnixStream::connect("x".repeat(200)).await.unwrap_err();
    }
    "look up a numeric address" => {} |it| { lookup_host("127.0.0.1:80").await.unwrap(); }
    "look up localhost" => {} |it| { lookup_host("localhost:80").await.unwrap(); }
    "look up nonsense" => {} |it| { lookup_host("nonsense").await.unwrap_err(); }
    "copy between files, without end" => {} |it| {
        copy(file("/dev/zero"), &mut file("/dev/null")).await.unwrap();
    }
    "copy in memory, without end" => {} |it| { copy(repeat(1), &mut sink()).await.unwrap(); }
    "copy a little" => {} |it| { copy(&b"a little"[..], &mut sink()).await.unwrap(); }
    "copy nothing" => {} |it| { copy(empty(), &mut sink()).await.unwrap(); }
    "copy both ways, without end" => { (file("/dev/zero"), file("/dev/zero")) } |it| {
        copy_bidirectional(&mut it.0, &mut it.1).await.unwrap();
    }
    "copy both ways, a little" => {} |it| {
        let (mut one, mut other) = (Cursor::new(vec![1; 8]), Cursor::new(vec![2; 8]));
        copy_bidirectional(&mut one, &mut other).await.unwrap();
    }
    "read until a limit" => {} |it| {
        let mut from = Cursor::new(b"a line\n");
        from.read_until_limit(b'\n', &mut Vec::new(), 99).await.unwrap();
    }
    "read a line with a limit" => {} |it| {
        Cursor::new(b"a line\n").read_line_limit(&mut String::new(), 99).await.unwrap();
    }
    "poll for readiness" => { ended() } |it| { poll_fn(|cx| it.poll_readable(cx)).await.unwrap(); }
    "wait for readiness" => { ended() } |it| { it.readable().await.unwrap(); }
}

#[test]
fn they_time_out() {
    let rt = runtime(1);
    let limit = Limit::on(&rt);
    for (name, make) in all() {
        println!("{name}");
        assert!(rt.block_on(timeout(SHORT, make())).is_err(), "{name}");
        let task = rt.spawn(async move { timeout(SHORT, make()).await });
        assert!(
            task.join_blocking(None).unwrap().unwrap().is_err(),
            "{name}"
        );
    }
    drop((rt, limit));
}

#[test]
fn they_can_be_aborted_and_let_others_run() {
    // Nobody comes to help: the one worker is all there is.
    let builder = filch::Runtime::builder().workers(1).max_spare_threads(0);
    let rt = builder.build().unwrap();
    let limit = Limit::on(&rt);
    for (name, make) in all() {
        println!("{name}");
        let task = rt.spawn(async move { make().await });
        let other = rt.spawn(async {
            for _ in 0..3 {
                filch::task::yield_now().await;
            }
        });
        other.join_blocking(None).unwrap().unwrap();
        task.abort();
        assert!(
            task.join_blocking(None)
                .unwrap()
                .unwrap_err()
                .is_cancelled()
        );
    }
    drop((rt, limit));
}

#[test]
fn a_local_runtime_goes_on_beside_them() {
    let _limit = Limit::new();
    for (name, make) in all() {
        println!("{name}");
        let rt = filch::LocalRuntime::new().unwrap();
        let ended = rt.block_on(async {
            let task = filch::spawn_local(make());
            filch::time::sleep(SHORT).await;
            task.abort();
            task.await
        });
        assert!(ended.unwrap_err().is_cancelled(), "{name}");
        assert!(rt.block_on(timeout(SHORT, make())).is_err(), "{name}");
    }
}
