//! How connections end, and that whoever waits is told.

use super::*;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::Shutdown;
use std::os::unix::fs::OpenOptionsExt;

#[test]
fn an_end_of_stream_behind_the_last_bytes_is_seen() {
    fn last_words<T: AsSource, P: Write>(io: Io<T>, mut peer: P)
    where
        for<'a> &'a T: Read,
    {
        park(&io, Direction::Read, Waker::noop());
        peer.write_all(b"bye").expect("room");
        drop(peer);
        // Both are there before the selector is asked: they come in one event.
        assert_eq!(receive(&io, &mut [0; 64]).expect("data"), 3);
        assert_eq!(receive(&io, &mut [0; 64]).expect("the end"), 0);
        assert_eq!(receive(&io, &mut [0; 64]).expect("the end stays"), 0);
    }
    each(|reactor| {
        let (io, peer) = unix(reactor);
        last_words(io, peer);
        let (io, peer) = tcp(reactor);
        last_words(io, peer);
    });
}

#[test]
fn after_the_peer_has_finished_writing_it_can_still_be_written_to() {
    each(|reactor| {
        let (io, mut peer) = tcp(reactor);
        park(&io, Direction::Read, Waker::noop());
        peer.shutdown(Shutdown::Write).expect("connected");
        assert_eq!(receive(&io, &mut [0; 8]).expect("the end"), 0);
        complete(&io, Direction::Write, |mut stream| {
            stream.write(b"still here")
        })
        .expect("open this way");
        drop(io);
        let mut got = String::new();
        peer.read_to_string(&mut got).expect("the rest");
        assert_eq!(got, "still here");
    });
}

#[test]
fn a_reset_wakes_both_directions_and_is_reported_by_the_operation() {
    each(|reactor| {
        let (io, peer) = tcp(reactor);
        let (reader, writer) = (Arc::new(Count::default()), Arc::new(Count::default()));
        park(&io, Direction::Read, &Waker::from(Arc::clone(&reader)));
        while (&mut io.get_ref()).write(&[0; 1 << 16]).is_ok() {}
        park(&io, Direction::Write, &Waker::from(Arc::clone(&writer)));
        glance(reactor);
        socket2::SockRef::from(&peer)
            .set_linger(Some(Duration::ZERO))
            .expect("a socket");
        drop(peer);
        while reader.get() == 0 || writer.get() == 0 {
            turn(reactor, Some(PATIENCE));
        }
        let error = receive(&io, &mut [0; 8]).expect_err("it was reset");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_connection_in_progress_is_reported_either_way() {
    each(|reactor| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let address = listener.local_addr().expect("an address");
        let connect = || {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)
                .expect("a socket");
            socket.set_nonblocking(true).expect("non-blocking");
            match socket.connect(&address.into()) {
                Ok(()) => {}
                Err(error) => assert_eq!(error.raw_os_error(), Some(libc::EINPROGRESS)),
            }
            let io = Io::new(Arc::clone(reactor), TcpStream::from(socket));
            park(&io, Direction::Write, Waker::noop());
            complete(&io, Direction::Write, |stream| {
                match stream.take_error()? {
                    Some(error) => Err(error),
                    None => stream
                        .peer_addr()
                        .map_err(|_| io::ErrorKind::WouldBlock.into()),
                }
            })
        };
        assert_eq!(connect().expect("somebody listens"), address);
        drop(listener);
        assert_eq!(
            connect().expect_err("nobody listens").kind(),
            io::ErrorKind::ConnectionRefused
        );
    });
}

#[test]
fn a_pipe_without_readers_fails_its_writer() {
    each(|reactor| {
        let (reader, writer) = io::pipe().expect("a pipe");
        rustix::io::ioctl_fionbio(&writer, true).expect("non-blocking");
        let io = Io::new(Arc::clone(reactor), writer);
        while (&mut io.get_ref()).write(&[0; 4096]).is_ok() {}
        park(&io, Direction::Write, Waker::noop());
        drop(reader);
        let error =
            complete(&io, Direction::Write, |mut pipe| pipe.write(b"x")).expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_fifo_that_is_opened_anew_does_not_keep_its_reader_busy() {
    each(|reactor| {
        let path = std::env::temp_dir().join(format!(
            "filch-reactor-{}-{:p}.fifo",
            std::process::id(),
            Arc::as_ptr(reactor)
        ));
        let name = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).expect("no NUL");
        // SAFETY: the name is a C string.
        let made = unsafe { libc::mkfifo(name.as_ptr(), 0o600) };
        assert_eq!(made, 0, "{}", io::Error::last_os_error());
        let reader = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(&path)
            .expect("a reader");
        let write = || {
            OpenOptions::new()
                .write(true)
                .open(&path)
                .expect("a writer")
        };
        let io = Io::new(Arc::clone(reactor), reader);
        let mut buffer = [0; 8];

        let mut first: File = write();
        first.write_all(b"one").expect("room");
        assert_eq!(receive(&io, &mut buffer).expect("open"), 3);
        park(&io, Direction::Read, Waker::noop());
        drop(first);
        assert_eq!(
            receive(&io, &mut buffer).expect("the first writer has gone"),
            0
        );

        let mut second = write();
        park(&io, Direction::Read, Waker::noop());
        second.write_all(b"two").expect("room");
        assert_eq!(receive(&io, &mut buffer).expect("open again"), 3);
        std::fs::remove_file(&path).expect("it is there");
    });
}
