//! `select!` and `race!`: the grammar, fairness, what is dropped when, and what handlers may do.

use std::cell::{Cell, RefCell};
use std::future::{Future, IntoFuture, Ready, pending, poll_fn, ready};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use filch::sync::{mpsc, oneshot};
use filch::task::{consume_budget, yield_now};

/// Polls a future once.
fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// The output of a future that is ready at its first poll.
#[track_caller]
fn now<F: Future>(future: F) -> F::Output {
    match poll_once(future) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it is not ready"),
    }
}

/// Counts its drop.
struct Counted<'a>(&'a Cell<usize>);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

mod grammar {
    use super::*;

    #[test]
    fn a_handler_is_an_expression_or_a_block_with_or_without_a_comma() {
        let of = |kind| {
            now(async move {
                filch::select! {
                    x = ready(1), if kind == 0 => x,
                    x = ready(2), if kind == 1 => { x }
                    x = ready(3), if kind == 2 => { x },
                    _ = pending::<()>() => unreachable!(),
                    x = ready(4), if kind == 3 => x
                }
            })
        };
        assert_eq!([0, 1, 2, 3].map(of), [1, 2, 3, 4]);
        assert_eq!(now(async { filch::select!(x = ready(5) => { x }) }), 5);
        assert_eq!(now(async { filch::select!(x = ready(6) => x) }), 6);
        assert_eq!(
            now(async { filch::select!(x = ready(7) => { x } else => 8) }),
            7
        );
    }

    #[test]
    fn else_alone_is_its_expression() {
        assert_eq!(filch::select! { else => 1 }, 1);
        assert_eq!(filch::select! { biased; else => 2, }, 2);
    }

    #[test]
    fn patterns_of_all_kinds_bind_for_the_handler() {
        struct Pair {
            left: String,
            right: u8,
        }
        let made = || Pair {
            left: String::from("left"),
            right: 7,
        };
        now(async {
            filch::select! { mut text = ready(String::from("a")) => { text.push('b'); assert_eq!(text, "ab"); } }
            filch::select! { Some(ref text) = ready(Some(String::from("a"))) => assert_eq!(text, "a") }
            filch::select! {
                Some(ref mut text) = ready(Some(String::from("a"))) => { text.push('c'); assert_eq!(text, "ac"); }
            }
            filch::select! { Pair { left, right: 0..=9 } = ready(made()) => assert_eq!(left, "left") }
            filch::select! { Pair { left, .. } = ready(made()) => drop::<String>(left) }
            filch::select! { all @ Pair { right: 7, .. } = ready(made()) => assert_eq!(all.left, "left") }
            filch::select! { Ok(x) | Err(x) = ready(Err::<u8, u8>(3)) => assert_eq!(x, 3) }
            filch::select! { 1 | 2 = ready(2) => {} }
            filch::select! { &x = ready(&9) => assert_eq!(x, 9) }
            filch::select! { (a, _, [.., last]) = ready((1, "", [1, 2, 3])) => assert_eq!((a, last), (1, 3)) }
        });
    }

    #[test]
    fn a_branch_takes_whatever_can_be_awaited() {
        struct NoFuture;
        impl IntoFuture for NoFuture {
            type Output = u8;
            type IntoFuture = Ready<u8>;
            fn into_future(self) -> Ready<u8> {
                ready(4)
            }
        }
        assert_eq!(
            now(async {
                filch::select! { x = NoFuture => x }
            }),
            4
        );
    }

    #[test]
    fn a_temporary_lives_as_long_as_its_future() {
        now(async {
            filch::select! { () = &mut ready(()) => {} }
        });
    }

    #[test]
    fn macros_nest_in_futures_and_in_handlers() {
        let sum = now(async {
            filch::select! {
                x = async { filch::select! { x = ready(1) => x + 1, else => 0 } } => {
                    filch::select! { y = ready(x * 10) => x + y, y = pending() => y }
                }
            }
        });
        assert_eq!(sum, 22);
    }

    #[test]
    fn sixty_four_branches_are_not_too_many() {
        macro_rules! branches {
            ($($n:literal)*) => { now(async { filch::select! { biased; $( x = ready($n), if $n == 63 => x, )* } }) };
        }
        let last = branches!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
            32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63);
        assert_eq!(last, 63);
    }

    #[deny(warnings)]
    #[test]
    fn a_branch_that_never_ends_makes_no_warning() {
        async fn never() -> ! {
            pending().await
        }
        let number = now(async {
            filch::select! {
                _ = never() => 0,
                number = ready(1) => number,
            }
        });
        assert_eq!(number, 1);
    }

    #[test]
    fn a_handler_breaks_continues_and_returns_out_of_the_macro() {
        async fn rounds() -> Result<u8, u8> {
            let mut round = 0;
            let at = loop {
                round += 1;
                filch::select! {
                    _ = ready(()), if round < 3 => continue,
                    _ = ready(()), if round == 3 => break round,
                }
            };
            filch::select! { result = ready(Err(at)) => { let () = result?; } }
            Ok(0)
        }
        assert_eq!(now(rounds()), Err(3));
    }
}

mod disabled {
    use super::*;

    #[test]
    fn of_a_future_that_only_panics_the_type_need_not_be_said() {
        let broken = poll_fn(|_| panic!("it was polled"));
        now(async {
            filch::select! { _ = broken, if false => unreachable!(), () = ready(()) => {} }
        });
    }

    #[test]
    fn a_false_condition_makes_the_future_and_does_not_poll_it() {
        let made = Cell::new(false);
        let make = || {
            made.set(true);
            poll_fn(|_| -> Poll<()> { panic!("it was polled") })
        };
        let chosen = now(async {
            filch::select! {
                () = make(), if false => 1,
                () = ready(()) => 2,
            }
        });
        assert_eq!((chosen, made.get()), (2, true));
    }

    #[test]
    fn conditions_come_before_futures() {
        let order = RefCell::new(String::new());
        let say = |what: &str| order.borrow_mut().push_str(what);
        now(async {
            filch::select! {
                () = { say("c"); ready(()) }, if { say("a"); true } => {}
                () = { say("d"); ready(()) }, if { say("b"); true } => {}
            }
        });
        assert_eq!(*order.borrow(), "abcd");
    }

    #[test]
    fn if_let_gives_the_future_what_it_binds() {
        let chosen = |mut from: Option<Ready<u8>>| {
            now(async move {
                filch::select! {
                    biased;
                    x = future, if let Some(future) = &mut from => x,
                    x = ready(0) => x,
                }
            })
        };
        assert_eq!((chosen(Some(ready(9))), chosen(None)), (9, 0));
        assert_eq!(
            now(async {
                filch::select! { x = ready(y), if let y = 3 => { x } }
            }),
            3
        );
        assert_eq!(
            now(async {
                filch::select! { x = ready(y), if let Some(y) = None::<u8> => x, else => 4 }
            }),
            4
        );
    }

    #[test]
    fn an_output_that_does_not_match_disables_its_branch() {
        let mut polls = 0;
        let once = poll_fn(move |_| {
            polls += 1;
            assert_eq!(polls, 1, "a future that was ready is not polled again");
            Poll::Ready(None::<u8>)
        });
        let (sender, receiver) = oneshot::channel();
        let mut selected = pin!(async {
            filch::select! {
                Some(_) = once => unreachable!(),
                value = receiver => value.unwrap(),
            }
        });
        assert!(poll_once(selected.as_mut()).is_pending());
        assert!(poll_once(selected.as_mut()).is_pending());
        sender.send(1).unwrap();
        assert_eq!(now(selected), 1);
    }

    #[test]
    fn when_all_are_disabled_else_runs() {
        let chosen = now(async {
            filch::select! {
                Some(_) = ready(None::<u8>) => 1,
                _ = pending::<()>(), if false => 2,
                else => 3,
            }
        });
        assert_eq!(chosen, 3);
    }

    #[test]
    #[should_panic(expected = "every branch of a `select!` is disabled")]
    fn when_all_are_disabled_without_else_it_panics() {
        now(async {
            filch::select! { Some(_) = ready(None::<u8>) => {} }
        });
    }
}

mod order {
    use super::*;

    #[test]
    fn biased_polls_in_the_order_of_the_text() {
        for _ in 0..100 {
            let chosen = now(async {
                filch::select! { biased; _ = pending::<()>() => 0, _ = ready(()) => 1, _ = ready(()) => 2 }
            });
            assert_eq!(chosen, 1);
        }
    }

    /// How often each of three branches that are always ready is chosen.
    async fn chosen(rounds: usize) -> [usize; 3] {
        let mut counts = [0; 3];
        for _ in 0..rounds {
            filch::select! {
                _ = ready(()) => counts[0] += 1,
                _ = ready(()) => counts[1] += 1,
                _ = ready(()) => counts[2] += 1,
            }
        }
        counts
    }

    #[test]
    fn otherwise_none_is_preferred_in_a_runtime_and_outside() {
        let fair = |counts: [usize; 3]| {
            assert!(counts.iter().all(|n| (200..600).contains(n)), "{counts:?}")
        };
        fair(now(chosen(1000)));
        fair(filch::run(chosen(1000)));
        fair(filch::Runtime::new().unwrap().block_on(chosen(1000)));
    }

    #[test]
    fn a_seed_repeats_its_choices() {
        async fn choices() -> Vec<usize> {
            let mut choices = Vec::new();
            for _ in 0..50 {
                choices.push(
                    filch::select! { _ = ready(()) => 0, _ = ready(()) => 1, _ = ready(()) => 2 },
                );
                yield_now().await;
            }
            choices
        }
        let of = |seed| {
            let rt = filch::Runtime::builder().seed(seed).build_local().unwrap();
            rt.block_on(async { (choices().await, filch::spawn(choices()).await.unwrap()) })
        };
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    #[test]
    fn what_spends_no_budget_is_not_preferred_to_what_was_refused() {
        let rt = filch::Runtime::builder()
            .workers(1)
            .max_spare_threads(0)
            .build()
            .unwrap();
        let (rounds, others) = rt.run(async {
            let (rounds, others) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let mut looped = pin!(async {
                loop {
                    filch::select! {
                        biased;
                        () = consume_budget() => { rounds.fetch_add(1, Relaxed); }
                        () = ready(()) => { others.fetch_add(1, Relaxed); }
                    }
                }
            });
            poll_fn(|cx| {
                let polled: Poll<()> = looped.as_mut().poll(cx);
                assert!(polled.is_pending());
                Poll::Ready(())
            })
            .await;
            (rounds.load(Relaxed), others.load(Relaxed))
        });
        assert!(rounds <= 128, "{rounds} rounds in one poll");
        // Where the clock ends the turn, it does in the midst of a round, and no other round begins.
        assert!(
            others <= 1,
            "{others} times chosen because the other was refused"
        );
    }
}

mod drops {
    use super::*;

    #[test]
    fn losers_are_gone_before_the_handler_runs() {
        let drops = Cell::new(0);
        let (loser, disabled) = (Counted(&drops), Counted(&drops));
        now(async {
            filch::select! {
                biased;
                () = async { let _kept = loser; pending().await } => {}
                () = async { let _kept = disabled; }, if false => {}
                () = ready(()) => assert_eq!(drops.get(), 2),
            }
        });
    }

    #[test]
    fn a_handler_uses_what_the_futures_borrowed() {
        async fn add(to: &mut i32) {
            yield_now().await;
            *to += 1;
        }
        let mut value = 1;
        now(async {
            filch::select! {
                _ = add(&mut value) => {}
                _ = ready(()) => value += 5,
                else => value += 7,
            }
        });
        assert_eq!(value, 6);
    }

    #[filch::test]
    async fn a_future_by_reference_goes_on_later() {
        let (one, mut first) = oneshot::channel();
        let (two, mut second) = oneshot::channel();
        let (mut a, mut b) = (None, None);
        let sends = filch::spawn(async move {
            one.send(1).unwrap();
            yield_now().await;
            two.send(2).unwrap();
        });
        while a.is_none() || b.is_none() {
            filch::select! {
                value = &mut first, if a.is_none() => a = value.ok(),
                value = &mut second, if b.is_none() => b = value.ok(),
            }
        }
        sends.await.unwrap();
        assert_eq!((a, b), (Some(1), Some(2)));
    }

    #[test]
    fn a_panic_drops_the_others() {
        let drops = Cell::new(0);
        let kept = Counted(&drops);
        let selected = async {
            filch::select! {
                biased;
                () = async { let _kept = kept; pending().await } => {}
                () = async { panic!("of a branch") } => {}
            }
        };
        let caught = std::panic::catch_unwind(AssertUnwindSafe(|| poll_once(selected)));
        assert!(caught.is_err());
        assert_eq!(drops.get(), 1);
    }

    /// A gather of a task that notes its end, which takes its time.
    fn gathered(ended: &Arc<AtomicBool>) -> impl Future<Output = Result<Vec<()>, ()>> + use<> {
        struct Ends(Arc<AtomicBool>);
        impl Drop for Ends {
            fn drop(&mut self) {
                std::thread::sleep(Duration::from_millis(20));
                self.0.store(true, Relaxed);
            }
        }
        let ends = Ends(Arc::clone(ended));
        filch::gather([async move {
            let _ends = ends;
            pending().await
        }])
    }

    #[filch::test]
    async fn tasks_that_a_loser_cancels_are_gone_before_the_handler_runs() {
        let ended = Arc::new(AtomicBool::new(false));
        let in_handler = filch::select! {
            _ = gathered(&ended) => unreachable!(),
            () = yield_now() => ended.load(Relaxed),
        };
        assert!(in_handler);
    }

    #[filch::test]
    async fn tasks_that_a_loser_cancels_are_gone_when_a_race_ends() {
        let ended = Arc::new(AtomicBool::new(false));
        let runners = [true, false].map(|cancels| {
            let ended = Arc::clone(&ended);
            async move {
                match cancels {
                    true => gathered(&ended).await.map(drop),
                    false => {
                        yield_now().await;
                        Ok(())
                    }
                }
            }
        });
        filch::race(runners).await.unwrap();
        assert!(ended.load(Relaxed));
    }

    #[filch::test]
    async fn no_value_is_lost_to_a_branch_that_loses() {
        let (left, lefts) = mpsc::channel::<usize>(1);
        let (right, rights) = mpsc::channel::<usize>(1);
        for sender in [left, right] {
            filch::spawn(async move {
                for value in 0..100 {
                    sender.send(value).await.unwrap();
                }
            });
        }
        let mut sum = 0;
        loop {
            filch::select! {
                Some(value) = lefts.recv() => sum += value,
                Some(value) = rights.recv() => sum += value,
                else => break,
            }
        }
        assert_eq!(sum, 2 * 4950);
    }
}

/// A `recv` is asked whether there is a value before it is polled: what is to be seen of that.
mod asked {
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
}

#[test]
fn a_race_gives_the_first_output_of_futures_of_any_types() {
    assert_eq!(
        now(async { filch::race!(pending(), ready(1), async { pending().await }) }),
        1
    );
    assert_eq!(now(async { filch::race!(ready(2)) }), 2);
}
