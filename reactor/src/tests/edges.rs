//! Events come, once, and clearing is neither too much nor too little.

use super::*;
use std::io::Write;
use std::os::unix::net::UnixDatagram;

#[test]
fn an_edge_is_reported_once_and_wakes_its_waiter() {
    each(|reactor| {
        let (io, mut peer) = unix(reactor);
        let woken = Arc::new(Count::default());
        park(&io, Direction::Read, &Waker::from(Arc::clone(&woken)));
        assert_eq!(glance(reactor), 0);
        peer.write_all(b"x").expect("room");
        assert_eq!(turn(reactor, Some(PATIENCE)), 1);
        assert_eq!(woken.get(), 1);
        assert_eq!(glance(reactor), 0, "unread data makes no second event");
        assert!(poll(&io, Direction::Read, Waker::noop()).is_ready());
    });
}

#[test]
fn what_was_there_before_registering_is_reported() {
    each(|reactor| {
        let (io, mut peer) = unix(reactor);
        // The operation would block, and only then does the byte come.
        io.source()
            .clear(io.source().ready(Direction::Read).expect("fresh"));
        peer.write_all(b"x").expect("room");
        let woken = Arc::new(Count::default());
        assert!(poll(&io, Direction::Read, &Waker::from(Arc::clone(&woken))).is_pending());
        turn(reactor, Some(PATIENCE));
        assert_eq!(woken.get(), 1);
    });
}

#[test]
fn who_only_waits_is_not_told_of_a_guess() {
    each(|reactor| {
        let (io, mut peer) = unix(reactor);
        let woken = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&woken));
        let wait = |direction| {
            let mut cx = Context::from_waker(&waker);
            io.source().poll_wait(direction, None, &mut cx)
        };
        assert!(wait(Direction::Read).is_pending());
        peer.write_all(b"x").expect("room");
        while woken.get() == 0 {
            turn(reactor, Some(PATIENCE));
        }
        assert!(wait(Direction::Read).is_ready());
        let before = woken.get();
        while wait(Direction::Write).is_pending() {
            turn(reactor, Some(PATIENCE));
        }
        assert!(woken.get() <= before + 1 && !io.source().is_closed(Direction::Read));
        drop(peer);
        // Where interest ends with each event, nobody is told who does not wait.
        park(&io, Direction::Read, &waker);
        while !io.source().is_closed(Direction::Read) {
            assert_ne!(turn(reactor, Some(PATIENCE)), 0, "{:?}", io.source());
        }
    });
}

#[test]
fn room_to_write_is_reported_after_there_was_none() {
    each(|reactor| {
        let (io, mut peer) = tcp(reactor);
        let chunk = vec![7; 1 << 20];
        let mut sent = 0;
        loop {
            match (&mut io.get_ref()).write(&chunk) {
                Ok(count) => sent += count,
                Err(error) => break assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
        }
        let woken = Arc::new(Count::default());
        park(&io, Direction::Write, &Waker::from(Arc::clone(&woken)));
        let reader = std::thread::spawn(move || {
            let mut got = vec![0; sent + 1];
            peer.read_exact(&mut got).map(|()| peer)
        });
        complete(&io, Direction::Write, |mut stream| stream.write(b"x"))
            .expect("there is room again");
        reader
            .join()
            .expect("no panic")
            .expect("everything arrives");
    });
}

#[test]
fn a_short_read_clears_where_that_is_sound() {
    each(|reactor| {
        let (io, mut peer) = tcp(reactor);
        park(&io, Direction::Read, Waker::noop());
        peer.write_all(b"four").expect("room");
        assert_eq!(receive(&io, &mut [0; 64]).expect("open"), 4);
        let cleared = io.source().ready(Direction::Read).is_none();
        assert_eq!(cleared, reactor.engine().traits().short_read_clears);
        peer.write_all(b"five!").expect("room");
        assert_eq!(receive(&io, &mut [0; 64]).expect("open"), 5);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_steady_echo_costs_one_wait_one_read_and_one_write() {
    fn echo<T: AsSource>(reactor: &Arc<Reactor>, io: &Io<T>, mut peer: impl Read + Write)
    where
        for<'a> &'a T: Read + Write,
    {
        park(io, Direction::Read, Waker::noop());
        let mut buffer = [0; 64];
        for _ in 0..100 {
            peer.write_all(b"ping").expect("room");
            assert_eq!(turn(reactor, Some(PATIENCE)), 1);
            let Poll::Ready(ready) = poll(io, Direction::Read, Waker::noop()) else {
                panic!("no event for the request")
            };
            assert_eq!(io.get_ref().read(&mut buffer).expect("a request"), 4);
            io.source().clear_short(ready.expect("open"));
            io.get_ref().write_all(&buffer[..4]).expect("room");
            assert!(
                poll(io, Direction::Read, Waker::noop()).is_pending(),
                "without another read"
            );
            peer.read_exact(&mut buffer[..4]).expect("the answer");
        }
        assert_eq!(glance(reactor), 0, "the answers made no events");
    }
    let reactor = Arc::new(Reactor::new(Selector::Epoll).expect("a reactor"));
    let (io, peer) = tcp(&reactor);
    echo(&reactor, &io, peer);
    drop(io);
    let (io, peer) = unix(&reactor);
    echo(&reactor, &io, peer);
}

#[test]
fn every_datagram_is_read_though_each_is_short() {
    each(|reactor| {
        let (ours, theirs) = UnixDatagram::pair().expect("a pair");
        ours.set_nonblocking(true).expect("non-blocking");
        let io = Io::new(Arc::clone(reactor), ours);
        park(&io, Direction::Read, Waker::noop());
        for n in 0..5 {
            theirs.send(&[n]).expect("room");
        }
        for n in 0..5 {
            let mut buffer = [0; 64];
            assert_eq!(
                complete(&io, Direction::Read, |socket| socket.recv(&mut buffer)).expect("open"),
                1
            );
            assert_eq!(buffer[0], n);
        }
    });
}

#[test]
fn a_read_that_stops_at_an_urgent_mark_does_not_lose_what_is_behind_it() {
    each(|reactor| {
        let (io, mut peer) = tcp(reactor);
        park(&io, Direction::Read, Waker::noop());
        peer.write_all(b"abc").expect("room");
        socket2::SockRef::from(&peer)
            .send_out_of_band(b"U")
            .expect("room");
        peer.write_all(b"def").expect("room");
        // Let everything arrive before the first read.
        let mut all = [0; 16];
        while io.get_ref().peek(&mut all).unwrap_or(0) < 3 {
            turn(reactor, Some(Duration::from_millis(1)));
        }
        let mut got = Vec::new();
        while got.len() < 6 {
            let mut buffer = [0; 64];
            let count = receive(&io, &mut buffer).expect("open");
            got.extend_from_slice(&buffer[..count]);
        }
        assert_eq!(got, b"abcdef");
    });
}
