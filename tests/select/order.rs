//! Which of several that are ready is taken.

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
    let fair =
        |counts: [usize; 3]| assert!(counts.iter().all(|n| (200..600).contains(n)), "{counts:?}");
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
