//! The policy beside sequences of waits, each of which is a gap until something happens.

use super::*;

/// A worker whose sleeps cost `price`, all in microseconds.
struct Bed {
    look: Look,
    believed: Price,
    price: u64,
    /// Time looked, and how often that found something, and how often it slept.
    looked: u64,
    hits: usize,
    sleeps: usize,
}

impl Bed {
    fn new(price: u64) -> Bed {
        Bed {
            look: Look::new(IdleLook::Adaptive, FOR_EVENTS),
            believed: Price::new(),
            price,
            looked: 0,
            hits: 0,
            sleeps: 0,
        }
    }

    /// One wait until an I/O event that comes after `gap`. Returns how long it took.
    fn wait(&mut self, gap: u64) -> u64 {
        let micros = Duration::from_micros;
        let length = self.look.length(&self.believed);
        match length.map(|length| length.as_micros() as u64) {
            Some(length) if gap <= length => {
                self.look.found(micros(gap), &self.believed);
                self.looked += gap;
                self.hits += 1;
                return gap;
            }
            Some(length) => {
                self.look.looked_in_vain(micros(length), &self.believed);
                self.looked += length;
            }
            None => {
                let took = micros(gap + self.price);
                self.look.slept_for_event(took, &self.believed);
            }
        }
        self.sleeps += 1;
        gap + self.price
    }

    /// Waits, and then counts anew.
    fn after(mut self, gaps: impl IntoIterator<Item = u64>) -> Bed {
        for gap in gaps {
            self.wait(gap);
        }
        (self.looked, self.hits, self.sleeps) = (0, 0, 0);
        self
    }
}

/// Gaps that vary by a third either way.
fn about(gap: u64, count: usize) -> impl Iterator<Item = u64> {
    let mut random = fastrand::Rng::with_seed(7);
    (0..count).map(move |_| random.u64(gap * 2 / 3..=gap * 4 / 3))
}

#[test]
fn one_connection_alone_teaches_what_a_sleep_costs() {
    // The last is the worst: by the time that it takes to find something, a look is hardly worth it.
    for (price, gap) in [(50, 25), (60, 25), (90, 25), (60, 35), (50, 35)] {
        let mut bed = Bed::new(price).after(about(gap, 300));
        about(gap, 1000).for_each(|gap| _ = bed.wait(gap));
        assert!(bed.hits > 950, "price {price}: {} hits", bed.hits);
        let believed = bed.believed.get().as_micros() as u64;
        assert!(
            believed.abs_diff(price) < price / 3,
            "{believed} for {price}"
        );
    }
}

#[test]
fn where_sleeps_are_cheap_a_short_gap_is_looked_for_and_a_longer_one_is_not() {
    let mut bed = Bed::new(5).after(about(9, 300));
    about(9, 1000).for_each(|gap| _ = bed.wait(gap));
    assert!(bed.hits > 900, "{} hits", bed.hits);
    let mut bed = Bed::new(5).after(about(45, 3000));
    about(45, 3000).for_each(|gap| _ = bed.wait(gap));
    assert!(bed.looked < 2 * 3000, "{} µs looked", bed.looked);
}

#[test]
#[cfg_attr(miri, ignore = "simulates thousands of sleeps")]
fn requests_at_a_fixed_rate_are_not_looked_for() {
    // A request is worth 35 µs of processor time, and a fifth of that may be lost to looks.
    for (rate, price) in [(100, 60), (1000, 60), (5000, 60), (5000, 90)] {
        let period = 1_000_000 / rate;
        let mut bed = Bed::new(price);
        let mut overslept = 0;
        let count = 5000;
        for _ in 0..count {
            // What a wake takes is missing from the next gap.
            let gap = period - 30 - overslept;
            overslept = bed.wait(gap) - gap;
        }
        assert!(bed.looked < count * 7, "{rate}/s: {} µs looked", bed.looked);
        assert!(rate == 5000 || bed.looked == 0, "{rate}/s");
    }
}

#[test]
#[cfg_attr(miri, ignore = "simulates thousands of sleeps")]
fn what_comes_at_random_is_looked_for_no_longer_than_it_pays() {
    let mut random = fastrand::Rng::with_seed(3);
    let mut bed = Bed::new(60);
    let count = 20_000;
    for _ in 0..count {
        // 5000 a second, as independent clients send them.
        let gap = (-170.0 * (1.0 - random.f64()).ln()) as u64;
        bed.wait(gap);
    }
    assert!(bed.looked < count * 9, "{} µs looked", bed.looked);
}

#[test]
fn it_ends_soon_when_it_pays_no_longer_and_comes_back() {
    let mut bed = Bed::new(60).after(about(25, 500));
    about(2000, 1000).for_each(|gap| _ = bed.wait(gap));
    assert!(bed.looked < 1000, "{} µs looked", bed.looked);
    let mut bed = bed.after(about(25, 200));
    about(25, 100).for_each(|gap| _ = bed.wait(gap));
    assert!(bed.hits > 95);
}

#[test]
fn an_unpark_says_when_it_came_and_needs_no_trial() {
    let look = Look::new(IdleLook::Adaptive, FOR_WORD);
    let price = Price::new();
    let gap = Duration::from_micros(15);
    let mut sleeps = 0;
    while look.length(&price).is_none() {
        price.learn(Duration::from_micros(60));
        look.slept(gap, &price);
        sleeps += 1;
        assert!(sleeps < 50);
    }
    assert!(look.length(&price) > Some(Duration::from_micros(50)));
}

#[test]
fn what_was_asked_for_is_done() {
    let price = Price::new();
    let time = Duration::from_micros(70);
    let fixed = Look::new(IdleLook::For(time), FOR_EVENTS);
    let off = Look::new(IdleLook::Off, FOR_EVENTS);
    for _ in 0..100 {
        assert_eq!(fixed.length(&price), Some(time));
        fixed.looked_in_vain(time, &price);
        off.slept(Duration::ZERO, &price);
        off.slept_for_event(Duration::from_micros(5), &price);
        assert_eq!(off.length(&price), None);
    }
}
