//! A `recv` is asked whether there is a value before it is polled: what is to be seen of that.

use super::*;

#[test]
fn the_first_in_the_text_is_taken_where_the_order_is_kept() {
    let (a, from_a) = mpsc::channel(4);
    let (b, from_b) = mpsc::channel(4);
    for n in 0..2 {
        a.try_send(n).unwrap();
        b.try_send(10 + n).unwrap();
    }
    let mut got = Vec::new();
    for _ in 0..4 {
        got.push(now(async {
            filch::select! {
                biased;
                Some(n) = from_a.recv() => n,
                Some(n) = from_b.recv() => n,
                n = ready(20) => n,
            }
        }));
    }
    assert_eq!(got, [0, 1, 10, 11]);
}

#[test]
fn one_that_is_polled_comes_before_one_that_is_only_asked_if_it_stands_before_it() {
    let (sender, receiver) = mpsc::channel(1);
    sender.try_send(1).unwrap();
    let got = now(async {
        filch::select! {
            biased;
            n = ready(2) => n,
            Some(n) = receiver.recv() => n,
        }
    });
    assert_eq!((got, receiver.try_recv()), (2, Ok(1)));
}

#[test]
fn a_promised_value_counts_in_its_turn() {
    let (a, from_a) = mpsc::channel(4);
    let (b, from_b) = mpsc::channel(4);
    let mut first = pin!(from_a.recv());
    assert!(poll_once(first.as_mut()).is_pending());
    a.try_send(1).unwrap();
    b.try_send(2).unwrap();
    let got = now(async {
        filch::select! {
            biased;
            n = first.as_mut() => n,
            n = from_b.recv() => n,
        }
    });
    assert_eq!(got, Some(1));
}

#[test]
fn nothing_waits_after_one_was_ready_and_all_wait_if_none_was() {
    let (_a, from_a) = mpsc::channel::<i32>(1);
    let (b, from_b) = mpsc::channel(1);
    let mut both = Box::pin(async {
        filch::select! {
            biased;
            Some(n) = from_a.recv() => n,
            Some(n) = from_b.recv() => n,
        }
    });
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let mut cx = Context::from_waker(&waker);
    assert!(both.as_mut().poll(&mut cx).is_pending());
    b.try_send(3).unwrap();
    assert_eq!(wakes.0.load(Relaxed), 1);
    assert_eq!(both.as_mut().poll(&mut cx), Poll::Ready(3));
    drop(both);
    // Given to nobody who waits: a receiver that comes now finds it.
    b.try_send(4).unwrap();
    assert_eq!((wakes.0.load(Relaxed), from_b.try_recv()), (1, Ok(4)));
}

#[test]
fn a_channel_that_has_ended_disables_its_branch() {
    let (sender, receiver) = mpsc::channel::<i32>(1);
    drop(sender);
    let got = now(async {
        filch::select! {
            Some(n) = receiver.recv() => n,
            else => -1,
        }
    });
    assert_eq!(got, -1);
}

#[test]
fn each_of_several_that_are_ready_is_taken_now_and_then() {
    let channels = [(); 3].map(|()| mpsc::channel(1));
    let [(a, from_a), (b, from_b), (c, from_c)] = channels;
    let mut counts = [0; 3];
    for _ in 0..300 {
        for sender in [&a, &b, &c] {
            _ = sender.try_send(());
        }
        let which = now(async {
            filch::select! {
                _ = from_a.recv() => 0,
                _ = from_b.recv() => 1,
                _ = from_c.recv() => 2,
            }
        });
        counts[which] += 1;
    }
    assert!(counts.iter().all(|count| *count > 30), "{counts:?}");
}

#[filch::test]
async fn a_task_whose_branches_are_always_ready_lets_others_run() {
    let (sender, receiver) = mpsc::channel(1);
    let other = filch::spawn(async {});
    while !other.is_finished() {
        sender.try_send(()).unwrap();
        filch::select! {
            Some(()) = receiver.recv() => {}
            () = pending() => {}
        }
    }
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl std::task::Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}
