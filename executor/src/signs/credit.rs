//! Whether a searcher looks around once more before it goes to sleep.
//!
//! While it does, nobody pays for waking it. How often that pays shows only afterwards, so each attempt takes credit,
//! and only success, or a sleep that turned out to be short, gives any. So a worker with nothing to come goes to sleep
//! at once, after few attempts in vain. How long to look around *in* the sleep, where others see the worker as idle,
//! is another question: `look.rs`.

use std::cell::Cell;

/// So many attempts in vain, one after the other, end it after it has paid off for long.
const ATTEMPTS: u32 = 4;

/// What looking around has earned lately.
#[derive(Debug)]
pub(crate) struct Credit {
    left: Cell<u32>,
    /// What an attempt in vain costs, in successful ones.
    price: u32,
    /// The last attempt's price was taken, and it is not known yet whether it pays off.
    spent: Cell<bool>,
}

impl Credit {
    /// Looking around goes on while it pays off `price` times in `price + 1`.
    pub(crate) fn new(price: u32) -> Credit {
        let (left, spent) = (Cell::new(0), Cell::new(false));
        Credit { left, price, spent }
    }

    /// Whether to look around; takes the price.
    pub(crate) fn spend(&self) -> bool {
        let rest = self.left.get().checked_sub(self.price);
        self.left.set(rest.unwrap_or(self.left.get()));
        self.spent.set(rest.is_some());
        rest.is_some()
    }

    /// Looking around has paid off; or it would have, had there been credit.
    pub(crate) fn earn(&self) {
        let refund = if self.spent.take() { self.price } else { 0 };
        let left = self.left.get() + refund + 1;
        self.left.set(left.min(ATTEMPTS * self.price));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_while_it_pays_off_often_enough() {
        let credit = Credit::new(4);
        for _ in 0..4 {
            assert!(!credit.spend());
            credit.earn();
        }
        (0..100).for_each(|_| credit.earn());
        for _ in 0..100 {
            for _ in 0..4 {
                assert!(credit.spend());
                credit.earn();
            }
            assert!(credit.spend(), "in vain");
        }
        assert_eq!((0..100).take_while(|_| credit.spend()).count(), 3);
        (0..100).for_each(|_| credit.earn());
        assert_eq!((0..100).take_while(|_| credit.spend()).count(), 4);
    }
}
