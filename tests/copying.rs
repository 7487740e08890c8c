//! `copy_bidirectional` where one side takes no more, but still has something to say.

mod common;
mod net_support;

#[cfg(target_os = "linux")]
use common::process::part;
use filch::io::{AsyncReadExt, AsyncWriteExt, BufWriter, copy_bidirectional, duplex};
use filch::net::{TcpListener, TcpStream};
use net_support::run;
use std::io::{Read, Write};

const ANSWER: &[u8] = b"413 too large\n";

/// A server that reads a little of an upload, answers, and closes while more is on its way.
fn hasty_server() -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.read_exact(&mut [0; 1000]).unwrap();
            stream.write_all(ANSWER).unwrap();
        }
    });
    address
}

#[test]
fn an_answer_that_comes_before_the_end_of_an_upload_is_delivered() {
    let server = hasty_server();
    run(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        filch::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                filch::spawn(async move {
                    let mut server = TcpStream::connect(server).await.unwrap();
                    let copied = copy_bidirectional(&mut client, &mut server).await;
                    // What the client still sends is read, or closing would take the answer away again.
                    let _ = client.shutdown(std::net::Shutdown::Write);
                    while let Ok(1..) = client.read(&mut [0; 4096]).await {}
                    copied
                });
            }
        });
        for _ in 0..50 {
            let client = TcpStream::connect(address).await.unwrap();
            let (mut read, mut write) = client.into_split();
            let upload = filch::spawn(async move {
                for _ in 0..64 {
                    if AsyncWriteExt::write_all(&mut write, &[0; 4096])
                        .await
                        .is_err()
                    {
                        return;
                    }
                    filch::task::yield_now().await;
                }
            });
            let mut answer = Vec::new();
            AsyncReadExt::read_to_end(&mut read, &mut answer)
                .await
                .unwrap();
            assert_eq!(
                String::from_utf8_lossy(&answer),
                String::from_utf8_lossy(ANSWER)
            );
            upload.await.unwrap();
        }
    });
}

#[test]
fn after_a_write_error_the_rest_of_that_side_is_delivered_and_the_error_returned() {
    run(async {
        let ((mut client, left), (mut right, mut server)) = (duplex(64), duplex(64));
        // Nobody reads there any more, but much is still to be read from there.
        let said: Vec<u8> = (0..50).collect();
        server.write_all(&said).await.unwrap();
        drop(server);
        client.write_all(b"upload").await.unwrap();
        let proxy = filch::spawn(async move {
            // What is written to the client is kept until it is flushed.
            let mut left = Buffered(BufWriter::new(left));
            copy_bidirectional(&mut left, &mut right).await
        });
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, said);
        let error = proxy.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), filch::io::ErrorKind::BrokenPipe);
    });
}

/// A stream with a buffer for what is written.
struct Buffered(BufWriter<filch::io::DuplexStream>);

mod buffered {
    use super::Buffered;
    use filch::io::{AsyncRead, AsyncWrite};
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    impl AsyncRead for Buffered {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(self.0.get_mut()).poll_read(cx, buf)
        }
    }

    impl AsyncWrite for Buffered {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(cx, buf)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }

        fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_close(cx)
        }
    }
}

/// A reader that gives some bytes and then fails.
struct Fails(&'static [u8]);

impl filch::io::AsyncRead for Fails {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        buf: &mut [u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::task::Poll::Ready(match self.0.is_empty() {
            true => Err(std::io::ErrorKind::ConnectionReset.into()),
            false => Read::read(&mut self.0, buf),
        })
    }
}

#[test]
fn a_readers_error_comes_after_what_was_read_before() {
    run(async {
        let (near, mut far) = duplex(4);
        let copying = filch::spawn(async move {
            let mut near = BufWriter::new(near);
            filch::io::copy(Fails(b"more than there is room for"), &mut near).await
        });
        let mut heard = String::new();
        far.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "more than there is room for");
        let error = copying.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), filch::io::ErrorKind::ConnectionReset);
    });
}

/// In a network where the system has one port to choose from.
#[test]
#[cfg(target_os = "linux")]
fn child_connects_to_the_only_port() {
    if part().is_none() {
        return;
    }
    std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", "40000 40000").unwrap();
    run(async {
        for _ in 0..20 {
            let error = TcpStream::connect("127.0.0.1:40000").await.unwrap_err();
            assert_eq!(
                error.kind(),
                std::io::ErrorKind::ConnectionRefused,
                "{error}"
            );
        }
        // And its server can begin at once.
        TcpListener::bind("127.0.0.1:40000").await.unwrap();
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_socket_does_not_connect_to_itself() {
    let child = common::process::again("child_connects_to_the_only_port", "connects", None);
    let mut unshare = std::process::Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--net", "sh", "-c"]);
    unshare.arg("ip link set lo up && test -w /proc/sys/net/ipv4/ip_local_port_range && echo ready && exec \"$0\" \"$@\"");
    unshare.arg(child.get_program()).args(child.get_args());
    for (key, value) in child.get_envs() {
        unshare.env(key, value.unwrap());
    }
    let Ok(output) = unshare.output() else {
        return eprintln!("skipped: there is no `unshare` here");
    };
    let text = common::process::text_of(&output);
    if !text.contains("ready") {
        return eprintln!("skipped: no network of its own is allowed here: {text}");
    }
    assert!(output.status.success(), "{text}");
}
