//! `cancel_everywhere`: a future is run again and again, and cancelled at another await each time.
//!
//! Each run has a [`LocalRuntime`] of its own with a paused clock. The future runs in a task there, the *driver*, which
//! cancels it ([`Run`] says when) and waits, as a combinator would, until what it has left behind is gone. Meanwhile
//! the body of `block_on` sleeps for longer than anybody else does. If it comes to wake up, everybody else waits for
//! something that will never come; `settle` says what happens then.

use std::fmt::Display;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use filch_executor::leaf::Drain;
use filch_executor::{Builder, Handle, JoinHandle, foreign, spawn_blocking, spawn_local};

use super::cut::{Cut, CutBy};
use super::report::Report;
use super::watched::{Run, Watched};
use crate::task::{all, dump};
use crate::time::sleep;

/// A future is cancelled at no more awaits than this.
const MOST: usize = 1000;

/// By the paused clock: longer than a future in a test sleeps, and short enough that a run has room for several.
const AGES: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// By the system's: how long events may be on their way through it that nobody else waits for.
const PATIENCE: Duration = Duration::from_millis(5);

/// So often nothing may come of that patience.
const LOOKS: usize = 2;

/// Cancels a future at each of its awaits in turn, and calls `check` each time when all that it has left behind is
/// gone: its children, its cleanups, what it has shielded.
///
/// `make` makes the future anew for each run. It is dropped before its first poll, then at its first await, at its
/// second, and so on to its last, at most at 1,000; and it runs to its end. An await here is a poll that returned
/// Pending. At each it is cancelled in six ways: by a drop, as a branch of a [`select!`](crate::select!), and as a task
/// that is aborted ([`CutBy`]); and each of these while it waits, and after it was woken, when a permit, a value or a
/// lock is its own already, but it does not know yet.
///
/// All runs on the calling thread, each time in a new [`LocalRuntime`](crate::LocalRuntime) with the same seed and with
/// a [paused clock](crate::time::pause()). So runs are alike, but for what others decide: the system's sockets and files,
/// threads. If a future has not as many awaits in each run, the report says so, and so does standard error; it is no
/// failure. A future that would wait for ever is cancelled there.
///
/// # Panics
///
/// When `check` panics or waits for ever, when the future panics, and when what it leaves behind does not end: with the
/// place where it was cancelled in front of the message. Inside a runtime; use a plain `#[test]`. If the system refuses
/// a runtime what it needs.
///
/// # Examples
///
/// ```
/// use filch::sync::{Mutex, mpsc};
/// use filch::testing::cancel_everywhere;
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// /// Gives a coin to `till`, from the wallet.
/// async fn pay(wallet: Arc<Mutex<u32>>, till: mpsc::Sender<u32>) {
///     let mut coins = wallet.lock().await;
///     filch::time::sleep(Duration::from_secs(1)).await;
///     // Room first: between taking the coin and handing it over there must be no await.
///     let room = till.reserve().await.unwrap();
///     *coins -= 1;
///     room.send(1);
/// }
///
/// let wallet = Arc::new(Mutex::new(1_000));
/// let (till, paid) = mpsc::channel(10_000);
/// let report = cancel_everywhere(
///     || pay(wallet.clone(), till.clone()),
///     async |_| assert_eq!(*wallet.lock().await as usize + paid.len(), 1_000),
/// );
/// assert_eq!(report.awaits().len(), 1, "the sleep: {report}");
/// ```
#[track_caller]
pub fn cancel_everywhere<M, F, C>(make: M, check: C) -> Report
where
    M: FnMut() -> F,
    F: Future + 'static,
    F::Output: 'static,
    C: AsyncFnMut(Cut),
{
    CancelEverywhere::new().run(make, check)
}

/// [`cancel_everywhere`] with a seed of one's own, or for fewer awaits.
///
/// # Examples
/// ```
/// use filch::testing::CancelEverywhere;
///
/// let endless = || async { loop { filch::task::yield_now().await } };
/// let report = CancelEverywhere::new().most(3).run(endless, async |cut| assert!(!cut.is_finished()));
/// assert_eq!((report.awaits().len(), report.is_complete()), (3, false));
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing happens until `run` is called"]
pub struct CancelEverywhere {
    seed: u64,
    most: usize,
}

impl Default for CancelEverywhere {
    fn default() -> CancelEverywhere {
        CancelEverywhere::new()
    }
}

impl CancelEverywhere {
    /// As [`cancel_everywhere`] does it.
    pub fn new() -> CancelEverywhere {
        CancelEverywhere {
            seed: 0,
            most: MOST,
        }
    }

    /// The seed of the runtimes' random choices, as of `select!`'s first branch.
    pub fn seed(mut self, seed: u64) -> CancelEverywhere {
        self.seed = seed;
        self
    }

    /// At how many awaits it is cancelled at most: 1,000 unless this says otherwise, and no more.
    pub fn most(mut self, awaits: usize) -> CancelEverywhere {
        self.most = awaits.min(MOST);
        self
    }

    /// Does it; see [`cancel_everywhere`].
    ///
    /// # Panics
    /// As [`cancel_everywhere`].
    #[track_caller]
    pub fn run<M, F, C>(&self, mut make: M, mut check: C) -> Report
    where
        M: FnMut() -> F,
        F: Future + 'static,
        F::Output: 'static,
        C: AsyncFnMut(Cut),
    {
        let mut report = Report::default();
        let mut ways = ways();
        for number in 0.. {
            let mut place = None;
            ways.retain(|(by, woken)| {
                // Before the first poll nobody waits, nor is woken.
                if number == 0 && *woken {
                    return true;
                }
                let cut = self.once(Run::new(*by, number, *woken), &mut make, &mut check);
                report.runs += 1;
                let is_there = cut.number() == number && !cut.is_finished();
                if is_there && number > 0 {
                    place.get_or_insert(cut.place);
                }
                if cut.is_finished() || cut.is_stalled() {
                    report.count(cut.number());
                }
                is_there
            });
            report.awaits.extend(place);
            if ways.is_empty() {
                break;
            }
            if number == self.most {
                report.has_more = true;
                break;
            }
        }
        if !report.is_steady() {
            eprintln!("filch: cancel_everywhere: {report}");
        }
        report
    }

    /// One run.
    #[track_caller]
    fn once<F, C>(&self, run: Rc<Run>, make: impl FnOnce() -> F, check: &mut C) -> Cut
    where
        F: Future + 'static,
        F::Output: 'static,
        C: AsyncFnMut(Cut),
    {
        let builder = Builder::new().seed(self.seed).start_paused(true);
        let runtime = match builder.build_local() {
            Ok(runtime) => runtime,
            Err(error) => panic!("cancel_everywhere needs a runtime: {error}"),
        };
        let body = async {
            let future = Watched::new(make(), Rc::clone(&run));
            let driver = spawn_local(drive(future, Rc::clone(&run)));
            settle(driver, &run).await;
            let mut check = pin!(check(run.cut()));
            let checked = unless_stalled(check.as_mut()).await;
            assert!(
                checked.is_some(),
                "the check waits for ever; {}",
                dump(&all())
            );
        };
        match foreign::attempt(AssertUnwindSafe(|| runtime.block_on(body))) {
            Ok(()) => run.cut(),
            Err(panic) => {
                if run.is_stuck.get() {
                    // Its end would wait for ever.
                    std::mem::forget(runtime);
                }
                fail(&run, foreign::panic_message(&*panic).unwrap_or("a panic"))
            }
        }
    }
}

#[track_caller]
fn fail(run: &Run, what: impl Display) -> ! {
    let cut = run.cut();
    match run.has_ended() {
        true => panic!("cancel_everywhere: the future {cut}: {what}"),
        false => panic!("cancel_everywhere: the future, which was to be {cut}: {what}"),
    }
}

/// How a future is cancelled at each await: how, and whether it is woken before.
fn ways() -> Vec<(CutBy, bool)> {
    let both = |by| [(by, false), (by, true)];
    CutBy::ALL.into_iter().flat_map(both).collect()
}

/// Polls a future until it ends or is to be cancelled, and returns when all is gone.
async fn drive<F>(future: Watched<F>, run: Rc<Run>)
where
    F: Future + 'static,
    F::Output: 'static,
{
    match run.cut().by() {
        CutBy::Drop => drop_when_told(future, &run).await,
        CutBy::Select => {
            let told = poll_fn(|_| match run.has_ended() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            });
            crate::select! {
                biased;
                _output = future => {}
                () = told => {}
            }
        }
        CutBy::Abort => {
            // Aborted, it is an error; but so is its panic.
            match spawn_local(future).await {
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                _ => {}
            }
        }
    }
}

async fn drop_when_told<F: Future>(future: Watched<F>, run: &Run) {
    let mut drain = Drain::new();
    let mut future = pin!(Some(future));
    poll_fn(|cx| match future.as_mut().as_pin_mut() {
        Some(future) => match future.poll(cx) {
            Poll::Pending if !run.has_ended() => Poll::Pending,
            _ => Poll::Ready(()),
        },
        None => Poll::Ready(()),
    })
    .await;
    drain.catch(|| future.set(None));
    (&mut drain).await;
}

/// Waits for the driver, whose panic goes on. Where everybody waits for ever, the future is told to end; if that is of
/// no use, something that it left behind does not.
async fn settle(mut driver: JoinHandle<()>, run: &Run) {
    let ended = match unless_stalled(Pin::new(&mut driver)).await {
        Some(ended) => Some(ended),
        None if run.has_ended() => None,
        None => {
            run.stall();
            unless_stalled(Pin::new(&mut driver)).await
        }
    };
    match ended {
        Some(Ok(())) => {}
        Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
        None => {
            run.is_stuck.set(true);
            panic!("what it has left behind does not end; {}", dump(&all()));
        }
    }
}

/// Waits for a future; `None`: everybody in the runtime waits, and for ever.
async fn unless_stalled<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    let mut stalled = 0;
    while stalled < LOOKS {
        let mut ages = sleep(AGES);
        let polls = polls();
        let output = poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => Pin::new(&mut ages).poll(cx).map(|()| None),
        });
        if let Some(output) = output.await {
            return Some(output);
        }
        // Events may be on their way through the system. The closure keeps the clock where it is meanwhile.
        let _woke = spawn_blocking(|| std::thread::sleep(PATIENCE)).await;
        stalled = match polls == self::polls() {
            true => stalled + 1,
            false => 0,
        };
    }
    None
}

/// How often tasks of this runtime were polled.
fn polls() -> u64 {
    let metrics = Handle::current().metrics();
    metrics.workers.iter().map(|worker| worker.polls).sum()
}
