//! `gather!`, `gather` and `gather_results`: order, the first failure, cancellation, and that nothing is left behind.

use std::future::{Future, pending, poll_fn};
use std::panic::panic_any;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Barrier;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use filch::task::yield_now;

/// A future of a `Result`, whatever its type.
type Boxed<T> = Pin<Box<dyn Future<Output = Result<T, &'static str>> + Send>>;

/// Counts futures: how many have started, and how many are gone.
#[derive(Clone, Default)]
struct Census {
    started: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

/// Lives in a future; slow to drop, so that whoever does not wait for it is seen.
struct Resident(Arc<AtomicUsize>);

impl Drop for Resident {
    fn drop(&mut self) {
        for _ in 0..200 {
            std::thread::yield_now();
        }
        self.0.fetch_add(1, SeqCst);
    }
}

impl Census {
    /// A future that never ends by itself, counted from its creation on.
    fn endless<T>(
        &self,
    ) -> impl Future<Output = Result<T, &'static str>> + Send + 'static + use<T> {
        let (started, resident) = (self.started.clone(), Resident(self.dropped.clone()));
        async move {
            let _resident = resident;
            started.fetch_add(1, SeqCst);
            pending().await
        }
    }

    async fn until_started(&self, count: usize) {
        while self.started.load(SeqCst) < count {
            yield_now().await;
        }
    }

    async fn until_dropped(&self, count: usize) {
        while self.dropped.load(SeqCst) < count {
            yield_now().await;
        }
    }

    fn dropped(&self) -> usize {
        self.dropped.load(SeqCst)
    }

    /// Fails once `count` futures have started.
    async fn fail_after<T>(self, count: usize) -> Result<T, &'static str> {
        self.until_started(count).await;
        Err("failed")
    }

    /// Panics once `count` futures have started.
    async fn panic_after<T>(self, count: usize) -> Result<T, &'static str> {
        self.until_started(count).await;
        panic_any(7_u8)
    }
}

async fn value<T>(value: T) -> Result<T, &'static str> {
    Ok(value)
}

#[filch::test]
async fn outputs_come_in_argument_order_whatever_ends_first() {
    let ended = Arc::new(AtomicUsize::new(0));
    // Child n ends only after those behind it: the last argument ends first.
    let futures = (0..10).map(|n| {
        let ended = ended.clone();
        async move {
            while ended.load(SeqCst) < 9 - n {
                yield_now().await;
            }
            ended.fetch_add(1, SeqCst);
            Ok::<_, ()>(n)
        }
    });
    assert_eq!(
        filch::gather(futures).await,
        Ok((0..10).collect::<Vec<_>>())
    );
}

#[filch::test]
async fn the_macro_gathers_values_of_different_types() {
    let gathered = filch::gather!(value(1), value("two"), value(vec![3]), async { Ok(4.0) });
    assert_eq!(gathered, Ok((1, "two", vec![3], 4.0)));
    assert_eq!(filch::gather!(value(1),), Ok((1,)));
}

#[filch::test(workers = 2)]
async fn children_run_on_several_cores_at_once() {
    let barrier = Arc::new(Barrier::new(2));
    let other = barrier.clone();
    let leader = async move { Ok::<_, ()>(barrier.wait().is_leader()) };
    let (a, b) = filch::gather!(leader, async move { Ok(other.wait().is_leader()) }).unwrap();
    assert!(a != b);
}

#[filch::test]
async fn the_first_error_is_returned_when_the_siblings_are_gone() {
    let census = Census::default();
    let gathered = filch::gather!(
        census.endless::<u8>(),
        census.clone().fail_after::<()>(2),
        census.endless::<u16>()
    );
    assert_eq!(gathered, Err("failed"));
    assert_eq!(census.dropped(), 2);
}

#[filch::test]
async fn the_first_error_of_many_is_returned_when_the_siblings_are_gone() {
    let census = Census::default();
    let mut futures: Vec<Boxed<()>> = Vec::new();
    futures.extend((0..100).map(|_| Box::pin(census.endless()) as _));
    futures.insert(50, Box::pin(census.clone().fail_after(100)));
    assert_eq!(filch::gather(futures).await, Err("failed"));
    assert_eq!(census.dropped(), 100);
}

#[filch::test]
async fn siblings_that_never_ran_are_gone_too() {
    // The failing one is first: with one worker, no other has run when it fails.
    for _ in 0..100 {
        let census = Census::default();
        let fail = async { Err::<u8, _>("failed") };
        assert_eq!(
            filch::gather!(fail, census.endless::<()>(), census.endless::<()>()),
            Err("failed")
        );
        assert_eq!(census.dropped(), 2);
    }
}

#[filch::test]
async fn an_output_that_nobody_gets_is_dropped() {
    let census = Census::default();
    let resident = Resident(census.dropped.clone());
    let done = census.started.clone();
    let succeeds = async move {
        done.fetch_add(1, SeqCst);
        Ok(resident)
    };
    let gathered = filch::gather!(succeeds, census.clone().fail_after::<()>(1));
    assert_eq!(gathered.err(), Some("failed"));
    census.until_dropped(1).await;
}

#[filch::test]
async fn a_panic_is_resumed_when_the_siblings_are_gone() {
    let census = Census::default();
    let inner = census.clone();
    let gathering = filch::spawn(async move {
        filch::gather!(
            inner.endless::<u8>(),
            inner.clone().panic_after::<()>(2),
            inner.endless::<()>()
        )
    });
    let panic = gathering.await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref::<u8>(), Some(&7));
    assert_eq!(census.dropped(), 2);
}

#[filch::test]
async fn a_panic_among_many_is_resumed_when_the_siblings_are_gone() {
    let census = Census::default();
    let inner = census.clone();
    let gathering = filch::spawn(async move {
        let endless = || Box::pin(inner.endless()) as Boxed<()>;
        filch::gather([
            endless(),
            Box::pin(inner.clone().panic_after::<()>(2)),
            endless(),
        ])
        .await
    });
    let panic = gathering.await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref::<u8>(), Some(&7));
    assert_eq!(census.dropped(), 2);
}

#[filch::test]
async fn children_are_scheduled_at_the_call_and_cancelled_by_a_drop() {
    let census = Census::default();
    let gather = filch::gather((0..10).map(|_| census.endless::<()>()));
    census.until_started(10).await;
    assert_eq!(census.dropped(), 0);
    drop(gather);
    census.until_dropped(10).await;

    let census = Census::default();
    let gather = filch::gather_results((0..10).map(|_| census.endless::<()>()));
    census.until_started(10).await;
    drop(gather);
    census.until_dropped(10).await;
}

#[filch::test]
async fn aborting_the_caller_of_the_macro_cancels_the_children() {
    let census = Census::default();
    let inner = census.clone();
    let gathering =
        filch::spawn(async move { filch::gather!(inner.endless::<()>(), inner.endless::<()>()) });
    census.until_started(2).await;
    gathering.abort();
    assert!(gathering.await.unwrap_err().is_cancelled());
    census.until_dropped(2).await;
}

#[filch::test]
async fn nothing_to_gather_returns_at_once() {
    let mut gather = filch::gather(Vec::<std::future::Ready<Result<(), ()>>>::new());
    let mut results = filch::gather_results(Vec::<std::future::Ready<()>>::new());
    poll_fn(|cx| {
        assert!(Pin::new(&mut gather).poll(cx).is_ready());
        Pin::new(&mut results)
            .poll(cx)
            .map(|results| assert!(results.is_empty()))
    })
    .await;
    let nothing: Result<(), ()> = filch::gather!();
    assert_eq!(nothing, Ok(()));
}

#[filch::test]
async fn ten_thousand_children_wake_their_caller_a_few_times() {
    let futures = (0..10_000_u64).map(|n| async move {
        yield_now().await;
        Ok::<_, ()>(n)
    });
    let mut gather = filch::gather(futures);
    let mut polls = 0;
    let outputs = poll_fn(|cx| {
        polls += 1;
        Pin::new(&mut gather).poll(cx)
    });
    assert!(outputs.await.unwrap().into_iter().eq(0..10_000));
    // Once at first, once at the end, and once each time that taking the outputs uses up the task's budget.
    assert!(polls < 1_000, "polled {polls} times");
}

#[filch::test]
async fn an_error_among_ten_thousand_children_leaves_none() {
    let census = Census::default();
    let mut futures: Vec<Boxed<()>> = Vec::new();
    futures.extend((0..9_999).map(|_| {
        // Made outside: most of these are cancelled before their first poll, and count all the same.
        let counted = Counted(census.dropped.clone());
        Box::pin(async move {
            let _counted = counted;
            pending().await
        }) as _
    }));
    futures.push(Box::pin(async { Err("failed") }));
    assert_eq!(filch::gather(futures).await, Err("failed"));
    assert_eq!(census.dropped(), 9_999);
}

/// Counts its drop.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[filch::test]
async fn results_tell_of_every_child() {
    let results = filch::gather_results((0..6).map(|n| async move {
        yield_now().await;
        if n % 3 == 2 {
            panic_any(n)
        } else {
            Ok::<_, ()>(n)
        }
    }));
    let results = results.await;
    for (n, result) in results.into_iter().enumerate() {
        match result {
            Ok(output) => assert_eq!(output, Ok(n)),
            Err(error) => assert_eq!(error.into_panic().downcast_ref::<usize>(), Some(&n)),
        }
    }
}

/// A tree of gathers: `depth` levels of three branches, `leaf` at the ends.
fn tree<F>(depth: usize, leaf: Arc<dyn Fn() -> F + Send + Sync>) -> Boxed<usize>
where
    F: Future<Output = Result<usize, &'static str>> + Send + 'static,
{
    Box::pin(async move {
        if depth == 0 {
            return leaf().await;
        }
        let branches = (0..3).map(|_| tree(depth - 1, leaf.clone()));
        Ok(filch::gather(branches).await?.into_iter().sum())
    })
}

#[filch::test]
async fn gathers_nest() {
    assert_eq!(tree(5, Arc::new(|| value(1))).await, Ok(243));
}

#[filch::test]
async fn an_error_cancels_gathers_within_gathers() {
    let census = Census::default();
    let inner = census.clone();
    let endless = tree(3, Arc::new(move || inner.endless()));
    let gathered = filch::gather!(endless, census.clone().fail_after::<()>(27));
    assert_eq!(gathered, Err("failed"));
    // The branches of the tree are gone by now; they told their own children to go, which takes as long as it takes.
    census.until_dropped(27).await;
}

#[filch::test]
async fn the_macro_takes_more_futures_than_the_recursion_limit() {
    macro_rules! many {
        ($($n:literal)*) => { filch::gather!($(value($n)),*).map(|outputs| outputs.0) };
    }
    let first = many!(
        0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
        0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
        0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
    );
    assert_eq!(first, Ok(0));
}

#[test]
#[should_panic(expected = "runtime")]
fn outside_a_runtime_gather_says_so() {
    drop(filch::gather([value(1)]));
}

#[test]
fn gathers_can_be_sent_and_shared() {
    fn check<T: Send + Sync + Unpin>() {}
    check::<filch::future::Gather<String, std::io::Error>>();
    check::<filch::future::GatherResults<String>>();
}
