//! `race`, `wait`, `as_completed` and `FuturesUnordered`: the first of many futures.

use std::cell::Cell;
use std::future::{Future, pending, poll_fn, ready};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use filch::stream::{FuturesUnordered, StreamExt};
use filch::sync::oneshot;
use filch::task::yield_now;
use filch::{JoinHandle, When, as_completed, race, wait};

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Counts its drop.
struct Counted<'a>(&'a Cell<usize>);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

/// A task that ends with what is sent.
fn task<T: Send + 'static>() -> (oneshot::Sender<T>, JoinHandle<T>) {
    let (sender, receiver) = oneshot::channel();
    (
        sender,
        filch::spawn(async { receiver.await.unwrap_or_else(|_| panic!("of the task")) }),
    )
}

mod of_a_race {
    use super::*;

    #[filch::test(local)]
    async fn the_first_wins_and_the_others_are_gone_by_then() {
        let drops = Cell::new(0);
        let runner = |n: u32| {
            let kept = Counted(&drops);
            async move {
                let _kept = kept;
                for _ in 0..n {
                    yield_now().await;
                }
                n
            }
        };
        assert_eq!(race([9, 2, 50].map(runner)).await, 2);
        assert_eq!(drops.get(), 3);
    }

    #[test]
    fn what_it_is_dropped_with_is_dropped() {
        let drops = Cell::new(0);
        let mut raced = pin!(Some(race((0..3).map(|_| {
            let kept = Counted(&drops);
            async move {
                let _kept = kept;
                pending::<()>().await
            }
        }))));
        assert!(poll_once(raced.as_mut().as_pin_mut().unwrap()).is_pending());
        raced.set(None);
        assert_eq!(drops.get(), 3);
    }

    #[test]
    #[should_panic(expected = "a race of no futures would never end")]
    fn without_runners_panics_where_it_is_called() {
        drop(race(Vec::<std::future::Ready<()>>::new()));
    }
}

mod of_wait {
    use super::*;

    #[filch::test]
    async fn the_first_that_has_ended_is_told_from_the_others() {
        let (first, a) = task::<u32>();
        let (second, b) = task::<u32>();
        second.send(2).unwrap();
        let (done, pending) = wait([a, b], When::FirstCompleted).await;
        assert_eq!(
            done.into_iter().map(Result::unwrap).collect::<Vec<_>>(),
            [2]
        );
        first.send(1).unwrap();
        let (done, pending) = wait(pending, When::FirstCompleted).await;
        assert_eq!(*done[0].as_ref().unwrap(), 1);
        assert!(pending.is_empty());
    }

    #[test]
    fn all_that_have_ended_by_then_are_done_in_the_order_of_the_handles() {
        let mut waited = pin!(wait(
            [Box::pin(poll_fn(|_| Poll::Ready(Ok::<_, ()>(0))))
                as Pin<Box<dyn Future<Output = _>>>]
            .into_iter()
            .chain((1..5).map(|n| match n % 2 {
                0 => Box::pin(ready(Ok(n))) as Pin<Box<dyn Future<Output = _>>>,
                _ => Box::pin(pending()),
            })),
            When::FirstCompleted,
        ));
        let Poll::Ready((done, pending)) = poll_once(waited.as_mut()) else {
            panic!("three have ended");
        };
        assert_eq!(done, [Ok(0), Ok(2), Ok(4)]);
        assert_eq!(pending.len(), 2);
    }

    #[filch::test]
    async fn the_first_error_ends_it_and_a_value_does_not() {
        let (value, a) = task::<u32>();
        let (fails, b) = task::<u32>();
        let (kept, c) = task::<u32>();
        let mut waited = pin!(wait([a, b, c], When::FirstError));
        value.send(1).unwrap();
        for _ in 0..100 {
            assert!(futures::poll!(waited.as_mut()).is_pending());
            yield_now().await;
        }
        drop(fails);
        let (done, pending) = waited.await;
        assert_eq!(*done[0].as_ref().unwrap(), 1);
        assert!(done[1].as_ref().unwrap_err().is_panic());
        assert_eq!((done.len(), pending.len()), (2, 1));
        assert!(!pending[0].is_finished(), "nothing was cancelled");
        drop(kept);
    }

    #[filch::test]
    async fn without_an_error_the_first_error_waits_for_all() {
        let tasks = [1, 2].map(|n| filch::spawn(async move { n }));
        let (done, pending) = wait(tasks, When::FirstError).await;
        assert_eq!((done.len(), pending.len()), (2, 0));
    }

    #[filch::test]
    async fn what_counts_as_an_error_can_be_said() {
        let tasks = [
            filch::spawn(async { Err::<(), u8>(1) }),
            filch::spawn(pending()),
        ];
        let waited = wait(tasks, When::FirstError).error_if(|output| !matches!(output, Ok(Ok(()))));
        let (done, pending) = waited.await;
        assert_eq!(*done[0].as_ref().unwrap(), Err(1));
        pending[0].abort();
    }

    #[filch::test]
    async fn when_time_is_up_it_gives_what_there_is() {
        let (_kept, a) = task::<u32>();
        let b = filch::spawn(async { 2 });
        while !b.is_finished() {
            yield_now().await;
        }
        let (done, pending) = wait([a, b], When::All).within(Duration::ZERO).await;
        assert_eq!((done.len(), pending.len()), (1, 1));
    }

    #[filch::test]
    async fn nothing_to_wait_for_is_over_at_once() {
        for when in [When::FirstCompleted, When::FirstError, When::All] {
            let (done, pending) = wait(Vec::<JoinHandle<()>>::new(), when).await;
            assert!(done.is_empty() && pending.is_empty());
        }
    }

    #[filch::test]
    async fn many_are_waited_for_though_the_budget_is_used_up() {
        let tasks = (0..1000).map(|n| filch::spawn(async move { n }));
        let (done, pending) = wait(tasks.collect::<Vec<_>>(), When::All).await;
        assert!(pending.is_empty());
        assert!(done.into_iter().map(Result::unwrap).eq(0..1000));
    }
}

#[filch::test]
async fn as_completed_gives_outputs_in_the_order_of_their_coming() {
    let (first, a) = task::<u32>();
    let (second, b) = task::<u32>();
    let mut done = as_completed([a, b]);
    second.send(2).unwrap();
    assert_eq!(done.next().await.unwrap().unwrap(), 2);
    first.send(1).unwrap();
    assert_eq!(done.next().await.unwrap().unwrap(), 1);
    assert!(done.next().await.is_none());
}

#[filch::test]
async fn a_stream_that_is_dropped_leaves_tasks_running() {
    let (sender, handle) = task::<()>();
    let task = handle.abort_handle();
    drop(as_completed([handle]));
    yield_now().await;
    assert!(!task.is_finished());
    sender.send(()).unwrap();
}

mod of_a_set {
    use super::*;

    #[test]
    fn only_what_was_woken_is_polled() {
        let polls = Cell::new([0; 3]);
        let woken = Cell::new(None::<Waker>);
        let set: FuturesUnordered<_> = (0..3)
            .map(|n| {
                let (polls, woken) = (&polls, &woken);
                poll_fn(move |cx| {
                    let mut counts = polls.get();
                    counts[n] += 1;
                    polls.set(counts);
                    if n == 1 {
                        woken.set(Some(cx.waker().clone()));
                    }
                    Poll::<()>::Pending
                })
            })
            .collect();
        let mut set = pin!(set);
        assert!(poll_once(set.next()).is_pending());
        woken.take().unwrap().wake();
        assert!(poll_once(set.next()).is_pending());
        assert_eq!(polls.get(), [1, 2, 1]);
    }

    #[filch::test]
    async fn an_empty_one_is_at_its_end_and_goes_on_when_something_comes() {
        let mut set = FuturesUnordered::default();
        assert_eq!(set.next().await, None);
        set.push(ready(1));
        set.extend([ready(2)]);
        assert_eq!((set.len(), set.is_empty()), (2, false));
        assert_eq!(set.next().await.unwrap() + set.next().await.unwrap(), 3);
        set.push(ready(4));
        set.clear();
        assert!(set.next().await.is_none());
    }
}
