//! Wakers are code of others: they may panic, and use the very object that they wait for.

mod common;

use common::Limit;
use common::hostile::{Calls, let_go};
use filch::io::{AsyncRead, AsyncWrite, duplex};
use filch::net::{TcpListener, UdpSocket};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker that panics");
    }
}

#[test]
fn a_duplex_stream_closes_both_directions_though_a_waker_panics() {
    let (ours, mut theirs) = duplex(4);
    let waker = Waker::from(Arc::new(Panics));
    let mut cx = Context::from_waker(&waker);
    assert!(
        Pin::new(&mut theirs)
            .poll_read(&mut cx, &mut [0])
            .is_pending()
    );
    assert!(
        Pin::new(&mut theirs)
            .poll_write(&mut cx, &[0; 4])
            .is_ready()
    );
    assert!(
        Pin::new(&mut theirs)
            .poll_write(&mut cx, &[0; 4])
            .is_pending()
    );
    drop(ours);
    let mut cx = Context::from_waker(Waker::noop());
    let end = Pin::new(&mut theirs).poll_read(&mut cx, &mut [0]);
    assert!(matches!(end, Poll::Ready(Ok(0))), "{end:?}");
    let broken = Pin::new(&mut theirs).poll_write(&mut cx, &[0]);
    let Poll::Ready(Err(error)) = broken else {
        panic!("{broken:?}")
    };
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
}

/// What a waker does whenever it is cloned, woken or dropped.
struct Meddler<F>(F);

impl<F: Fn() + Send + Sync + 'static> Meddler<F> {
    const TABLE: RawWakerVTable = RawWakerVTable::new(Self::copy, Self::wake, Self::act, Self::end);

    fn waker(act: F) -> Waker {
        let data = Arc::into_raw(Arc::new(Meddler(act)));
        // SAFETY: the table's functions take the data for what they are, a counted pointer to a meddler.
        unsafe { Waker::from_raw(RawWaker::new(data.cast(), &Self::TABLE)) }
    }

    unsafe fn act(data: *const ()) {
        // SAFETY: the waker that holds the count is borrowed.
        unsafe { ((*data.cast::<Self>()).0)() };
    }

    unsafe fn copy(data: *const ()) -> RawWaker {
        // SAFETY: as above, and one count more for the copy.
        unsafe {
            Self::act(data);
            Arc::increment_strong_count(data.cast::<Self>());
        }
        RawWaker::new(data, &Self::TABLE)
    }

    unsafe fn wake(data: *const ()) {
        // SAFETY: the waker is used up, and its count with it.
        unsafe { Self::end(data) };
    }

    unsafe fn end(data: *const ()) {
        // SAFETY: as above.
        unsafe {
            Self::act(data);
            drop(Arc::from_raw(data.cast::<Self>()));
        }
    }
}

#[test]
fn a_waker_may_use_the_socket_that_it_waits_for() {
    let rt = common::runtime(1);
    let _limit = Limit::on(&rt);
    rt.block_on(async {
        let calls = Arc::new(AtomicUsize::new(0));
        let count = calls.clone();
        let (stream, peer) = common::sockets::pair();
        let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
        let udp = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let stream = Arc::new(stream);
        let (s, l, u) = (stream.clone(), listener.clone(), udp.clone());
        let waker = Meddler::waker(move || {
            count.fetch_add(1, Ordering::Relaxed);
            let mut cx = Context::from_waker(Waker::noop());
            let mut byte = [0];
            assert!(pin!(s.read(&mut byte)).poll(&mut cx).is_pending());
            assert!(pin!(l.accept()).poll(&mut cx).is_pending());
            assert!(pin!(u.recv(&mut byte)).poll(&mut cx).is_pending());
        });
        let other = waker.clone();
        for _ in 0..2 {
            for waker in [&waker, &other] {
                let mut cx = Context::from_waker(waker);
                let (mut one, mut two) = ([0], [0]);
                let mut read = pin!(stream.read(&mut one));
                let mut accept = pin!(listener.accept());
                let mut receive = pin!(udp.recv(&mut two));
                assert!(read.as_mut().poll(&mut cx).is_pending());
                assert!(accept.as_mut().poll(&mut cx).is_pending());
                assert!(receive.as_mut().poll(&mut cx).is_pending());
                // Once more with another waker, which replaces the first.
                let mut cx = Context::from_waker(Waker::noop());
                assert!(read.as_mut().poll(&mut cx).is_pending());
                assert!(accept.as_mut().poll(&mut cx).is_pending());
                assert!(receive.as_mut().poll(&mut cx).is_pending());
            }
        }
        assert!(calls.load(Ordering::Relaxed) >= 12);
        // Their drops still read, and find nothing: the end of the stream must not be there.
        drop((waker, other));
        drop(peer);
    });
}

#[test]
fn a_waker_may_use_the_pipe_that_it_waits_for() {
    let _limit = Limit::new();
    let (ours, theirs) = duplex(4);
    let (ours, theirs) = (Arc::new(std::sync::Mutex::new(ours)), theirs);
    let mine = ours.clone();
    let waker = Meddler::waker(move || {
        // The other end, so that both meet in the same pipe.
        let mut cx = Context::from_waker(Waker::noop());
        if let Ok(mut ours) = mine.try_lock() {
            let _ = Pin::new(&mut *ours).poll_write(&mut cx, &[]);
            let _ = Pin::new(&mut *ours).poll_read(&mut cx, &mut []);
        }
    });
    let mut theirs = theirs;
    let mut cx = Context::from_waker(&waker);
    assert!(
        Pin::new(&mut theirs)
            .poll_read(&mut cx, &mut [0])
            .is_pending()
    );
    assert!(
        Pin::new(&mut theirs)
            .poll_write(&mut cx, &[0; 4])
            .is_ready()
    );
    assert!(
        Pin::new(&mut theirs)
            .poll_write(&mut cx, &[0; 4])
            .is_pending()
    );
    let mut noop = Context::from_waker(Waker::noop());
    assert!(
        Pin::new(&mut theirs)
            .poll_read(&mut noop, &mut [0])
            .is_pending()
    );
    drop(theirs);
}

/// The traits' one place per direction keeps a waker until the stream is dropped.
#[test]
fn a_socket_is_dropped_quietly_whatever_its_wakers_do() {
    let rt = common::runtime(1);
    let _limit = Limit::on(&rt);
    rt.block_on(async {
        let (mut stream, peer) = common::sockets::pair();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let waker = Calls::throwing().waker();
        let mut cx = Context::from_waker(&waker);
        let read = Pin::new(&mut stream).poll_read(&mut cx, &mut [0]);
        assert!(read.is_pending());
        assert!(pin!(listener.accept()).poll(&mut cx).is_pending());
        drop((stream, listener));
        drop(peer);
        let_go(waker);
    });
}
